# SPDX-License-Identifier: Apache-2.0
"""Both Agents of a cluster restarted one after the other, and the hub, under reads and watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from e2e.support import wait
from harness.load import Measured, Running
from harness.report import Row, Spread

from .workloads import SMALL, WATCH, Pace
from .world import Agent, World

NAME = "rolling"
READS = {"kind": "rate", "path": SMALL, "connections": 16, "rate": 200, "warmup": 0}
WATCHES = {"kind": "watch", "path": WATCH.format(5), "connections": 5, "streams": 10, "reopen": True, "warmup": 0}
LEAD_SECONDS = 1.0
BESIDE = "beside 200 reads/s and 50 watches"
AGENTS = f"rolling restart of two Agents {BESIDE}"
HUB = f"restart of the hub, its listening socket kept open, {BESIDE}"


def rows(world: World, pace: Pace) -> list[Row]:
    kubeconfig = world.site.origin_kubeconfig()
    agents = [world.register(NAME, kubeconfig)]
    agents.append(world.start_agent(NAME, kubeconfig, world.admin.register(NAME)["manifest"], replica=1))
    _wait_whole(world, agents)

    def restart_hub() -> None:
        world.hub.restart()
        _wait_whole(world, agents)

    seconds = 10.0 if pace.quick else 24.0
    return [
        *_under_load(world, agents, AGENTS, seconds, [lambda agent=agent: _restart(world, agent, agents) for agent in agents]),
        *_under_load(world, agents, HUB, seconds / 2, [restart_hub]),
    ]


def _under_load(world: World, agents: list[Agent], title: str, seconds: float, steps: Sequence[Callable[[], None]]) -> list[Row]:
    """The steps again and again for half of the time."""
    way, length = world.way_to(NAME, agents[0]), {"seconds": seconds}
    print(f"{title.partition(',')[0].partition(' beside')[0]} ", end="", file=sys.stderr, flush=True)
    began = time.monotonic()
    with Running(world.load, way.endpoint, {}, {**READS, **length}) as reads, Running(
            world.load, way.endpoint, {}, {**WATCHES, **length}) as watches:
        rounds = 0
        while rounds == 0 or time.monotonic() - began < seconds / 2:
            for step in steps:
                time.sleep(LEAD_SECONDS)
                step()
            rounds += 1
            print(".", end="", file=sys.stderr, flush=True)
        in_time = time.monotonic() - began < seconds
        read, watched = reads.result(), watches.result()
    print(file=sys.stderr)
    what = f", {rounds} rounds" + ("" if in_time else ", some of it after the load had ended")
    return [
        Row.none_of(f"{title}: failed reads", read.failures, unit=f"of {read.done:,}{what}{_error(read)}"),
        Row.none_of(
            f"{title}: watches refused or cut within an event", watched.failures,
            unit=f"of 50{_error(watched)}"),
        Row(f"{title}: p99 of reads", Spread.of([read.p99 / 1e3]), "ms"),
        Row(f"{title}: events that came", Spread.of([watched.per_second]), "1/s"),
    ]


def _error(window: Measured) -> str:
    return f" ({window.first_error})" if window.first_error else ""


def _restart(world: World, agent: Agent, agents: list[Agent]) -> None:
    agent.stop()
    wait.until(f"the hub knows that {agent.name} has gone", lambda: _connected(world), timeout=20,
               done=lambda names: agent.replica not in names)
    agent.start()
    _wait_whole(world, agents)


def _connected(world: World) -> set[str]:
    agents = world.admin.object("clusters", NAME)["status"].get("agents", [])
    return {a["replica"] for a in agents if a.get("lanes", 0) > 0}


def _wait_whole(world: World, agents: list[Agent]) -> None:
    wait.until("both Agents have lanes", lambda: _connected(world), timeout=30,
               done=lambda names: names >= {a.replica for a in agents}, dump=lambda: "\n".join(a.tail() for a in agents))
