# SPDX-License-Identifier: Apache-2.0
"""What is done with the fleet, and what was seen."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass

from e2e.support import wait

from .world import LOOPBACK, World

# A lane that lived for less is redialled with more patience; the other side of the same rule.
PROVEN_SECONDS = 12
BACK_PATIENCE = 90


@dataclass(frozen=True)
class Pace:
    small: int  # Agents
    large: int
    watches_each: int
    event_rate: float
    event_seconds: float
    idle_seconds: float
    restarts: tuple[int, int]  # how often the hub is killed, with the small and the large fleet


FULL = Pace(1_000, 10_000, 50, 5_000, 10, 10, (3, 1))
QUICK = Pace(200, 1_000, 50, 2_000, 4, 4, (0, 1))


@dataclass(frozen=True)
class Idle:
    agents: int
    before: int  # bytes of the hub
    after: int
    cpu_share: float  # of a core, with nothing to do but to keep lanes alive
    simulator: int


@dataclass(frozen=True)
class Restart:
    """Seconds count from the first connection that the new hub's socket took."""

    agents: int
    kind: str
    paused: bool  # before the new hub was started, besides what ending and starting take
    away: float
    first_back: float
    all_back: float
    hub_cpu: float
    simulator_cpu: float
    refused: int
    handshakes_failed: int
    other_failures: int
    sample: str

    def line(self) -> str:
        return (
            f"  {self.agents:,} Agents, {self.kind}: away {self.away:.2f} s, first back after {self.first_back:.2f} s, all after "
            f"{self.all_back:.2f} s; processor time until then: hub {self.hub_cpu:.2f} s, simulator {self.simulator_cpu:.2f} s; "
            f"refused dials while it was away {self.refused:,}; afterwards {self.handshakes_failed} failed handshakes, "
            f"{self.other_failures} other failures {self.sample}".rstrip())


@dataclass(frozen=True)
class Watches:
    agents: int
    watches: int
    hub_each: float  # bytes
    simulator_each: float  # the user's end and the Agent's together


@dataclass(frozen=True)
class FanIn:
    rate: float
    sent: int
    received: int
    p50: float  # microseconds
    p99: float
    hub_cpu: float  # seconds


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def idle(world: World, agents: int, seconds: float) -> Idle:
    before = world.hub.resident_bytes()
    say(f"{agents:,} Agents dial")
    world.dial(agents, agents / 500)
    world.settle()
    time.sleep(seconds)
    spent = world.hub.cpu_seconds()
    time.sleep(seconds)
    share = (world.hub.cpu_seconds() - spent) / seconds
    return Idle(agents, before, world.hub.resident_bytes(), share, world.fleet.resident_bytes())


class _Listening(threading.Thread):
    """Finds the moment from which the hub's socket takes connections."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.at = 0.0
        self.start()

    def run(self) -> None:
        while not self.at:
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self._port), 1):
                self.at = time.time()
            time.sleep(0.002)


def restart(world: World, number: signal.Signals, away: float = 0) -> Restart:
    agents = world.fleet.connected()
    say(f"restarts the hub of {agents:,} Agents with {number.name}")
    time.sleep(PROVEN_SECONDS)
    world.fleet.ask("forget")
    simulator = world.fleet.cpu_seconds()
    world.hub.stop(number)
    ended = time.time()
    time.sleep(away)
    listening = _Listening(world.hub.port)
    world.hub.launch_only()
    listening.join(30)
    at_start = world.fleet.ask("stats")
    wait.until("all Agents are back", world.fleet.connected, timeout=BACK_PATIENCE, done=lambda n: n >= agents, every=0.1)
    stats = world.fleet.ask("stats")
    result = Restart(
        agents, number.name, away > 0, listening.at - ended, stats["firstConnected"] / 1e3 - listening.at,
        stats["lastConnected"] / 1e3 - listening.at, world.hub.cpu_seconds(), world.fleet.cpu_seconds() - simulator,
        stats["refused"], stats["handshakesFailed"] - at_start["handshakesFailed"],
        stats["otherFailures"] - at_start["otherFailures"], stats["sample"])
    say(result.line())
    world.hub.wait_ready()
    return result


def watches(world: World, agents: int, each: int, seconds: float) -> Watches:
    count = agents * each
    say(f"{count:,} watches")
    hub, simulator = world.hub.resident_bytes(), world.fleet.resident_bytes()
    stats = world.fleet.ask("watch", clusters=agents, each=each)
    assert stats["watches"] == count, stats
    world.settle()
    time.sleep(seconds)
    return Watches(
        agents, count, (world.hub.resident_bytes() - hub) / count, (world.fleet.resident_bytes() - simulator) / count)


def fan_in(world: World, rate: float, seconds: float) -> FanIn:
    say(f"{rate:,.0f} events/s")
    spent = world.hub.cpu_seconds()
    done = world.fleet.ask("emit", rate=rate, seconds=seconds)
    return FanIn(rate, int(done["sent"]), int(done["received"]), done["p50"], done["p99"], world.hub.cpu_seconds() - spent)
