# SPDX-License-Identifier: Apache-2.0
"""`./dev bench fleet`."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.machine import Machine
from harness.report import Outcome, Row, Spread, table, verdict

from . import workloads
from .workloads import FULL, QUICK, FanIn, Idle, Pace, Restart, Watches
from .world import World, agent_alone

KIB = 1024
MIB = 1 << 20
# Aims by number of Agents: seconds from listening until all are back; MiB of the hub.
BACK_SECONDS = {1_000: 1.0, 10_000: 8.0}
HUB_MIB = {10_000: 512.0}
LANE_KIB = 40.0
WATCH_KIB = 6.0
AGENT_MIB = 12.0
AWAY_SECONDS = 0.8  # besides what starting takes


@dataclass(frozen=True)
class Options:
    quick: bool = False
    repeats: int = 0


@dataclass
class Seen:
    idle: list[Idle] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    watches: list[Watches] = field(default_factory=list)
    fan_in: list[FanIn] = field(default_factory=list)
    alone: dict[str, float] = field(default_factory=dict)

    def lines(self) -> list[str]:
        return [
            *(f"  {i.agents:,} Agents: hub {i.before / MIB:.1f} MiB before, {i.after / MIB:.1f} MiB after; "
              f"simulator {i.simulator / MIB:.1f} MiB" for i in self.idle),
            *(r.line() for r in self.restarts),
            *(f"  {w.watches:,} watches: hub {w.hub_each:.0f} B each, simulator (both other ends) {w.simulator_each:.0f} B each"
              for w in self.watches),
            *(f"  {f.rate:,.0f} events/s: {f.sent:,} sent, {f.received:,} received, p50 {f.p50} us, p99 {f.p99} us, hub "
              f"{f.hub_cpu:.2f} s" for f in self.fan_in),
        ]


def run(options: Options) -> Outcome:
    pace = QUICK if options.quick else FULL
    machine = Machine.here()
    began = time.monotonic()
    seen = Seen(alone=agent_alone(watches=600))
    with World(pace.small) as world:
        seen.idle.append(workloads.idle(world, pace.small, pace.idle_seconds))
        _restarts(world, seen, options.repeats or pace.restarts[0])
        seen.watches.append(workloads.watches(world, pace.small, pace.watches_each, pace.idle_seconds))
        seen.fan_in.append(workloads.fan_in(world, pace.event_rate, pace.event_seconds))
    with World(pace.large) as world:
        seen.idle.append(workloads.idle(world, pace.large, pace.idle_seconds))
        _restarts(world, seen, options.repeats or pace.restarts[1])
    rows = _rows(seen)
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
    return Outcome(rows, _text(machine, pace, rows, seen))


def _restarts(world: World, seen: Seen, repeats: int) -> None:
    if repeats == 0:
        return
    for _ in range(repeats):
        seen.restarts.append(workloads.restart(world, signal.SIGKILL))
    seen.restarts.append(workloads.restart(world, signal.SIGKILL, AWAY_SECONDS))
    seen.restarts.append(workloads.restart(world, signal.SIGTERM))


def _at_most(row: str, values: list[float], unit: str, limit: float | None, why: str = "") -> Row:
    spread = Spread.of(values)
    return Row(row, spread, unit) if limit is None else Row.at_most(row, spread, unit, limit, why)


def _rows(seen: Seen) -> list[Row]:
    rows = []
    for i in seen.idle:
        rows.append(_at_most(f"idle, {i.agents:,} Agents: memory for each lane, hub", [(i.after - i.before) / i.agents / KIB],
                             "KiB", LANE_KIB))
        rows.append(_at_most(f"idle, {i.agents:,} Agents: resident, hub", [i.after / MIB], "MiB", HUB_MIB.get(i.agents)))
        rows.append(_at_most(f"idle, {i.agents:,} Agents: processor time, hub", [100 * i.cpu_share], "% of a core", None))
    rows += [_at_most(f"idle, {w.watches:,} watches: memory for each, hub (user's side and lane)", [w.hub_each / KIB], "KiB",
                      WATCH_KIB) for w in seen.watches]
    rows.append(_at_most("idle watch: memory for each, Agent (lane and API server)", [seen.alone["watch"] / KIB], "KiB", WATCH_KIB))
    rows.append(_at_most("idle, Agent alone: resident", [seen.alone["idle"] / MIB], "MiB", AGENT_MIB))
    for agents in dict.fromkeys(r.agents for r in seen.restarts):
        mine = [r for r in seen.restarts if r.agents == agents]
        limit = BACK_SECONDS.get(agents)
        for what, chosen in (
            ("killed", [r for r in mine if r.kind == "SIGKILL" and not r.paused]),
            (f"killed, started {AWAY_SECONDS:g} s later", [r for r in mine if r.kind == "SIGKILL" and r.paused]),
            ("ended in order", [r for r in mine if r.kind == "SIGTERM"]),
        ):
            if chosen:
                rows.append(_at_most(f"hub {what}, {agents:,} Agents: from listening until all are back",
                                     [r.all_back for r in chosen], "s", limit))
        rows.append(_at_most(f"hub restarts, {agents:,} Agents: failed handshakes, all {len(mine)} times together",
                             [float(sum(r.handshakes_failed for r in mine))], "", 0))
        rows.append(_at_most(f"hub restarts, {agents:,} Agents: connections that got no answer, all {len(mine)} times together",
                             [float(sum(r.other_failures for r in mine))], "", None))
        rows.append(_at_most(f"hub restarts, {agents:,} Agents: processor time until all are back, hub, for each Agent",
                             [1e6 * r.hub_cpu / agents for r in mine], "us", None))
    for f in seen.fan_in:
        rows.append(_at_most(f"{f.rate:,.0f} events/s over all lanes: processor time for each, hub",
                             [1e6 * f.hub_cpu / max(f.received, 1)], "us", None))
        rows.append(_at_most(f"{f.rate:,.0f} events/s over all lanes: delay, p50", [f.p50 / 1e3], "ms", None))
        rows.append(_at_most(f"{f.rate:,.0f} events/s over all lanes: delay, p99", [f.p99 / 1e3], "ms", None))
        rows.append(_at_most(f"{f.rate:,.0f} events/s over all lanes: events lost", [float(f.sent - f.received)], "", 0))
    return rows


def _text(machine: Machine, pace: Pace, rows: list[Row], seen: Seen) -> list[str]:
    return [
        "Roadstead: many Agents at one hub", "",
        *machine.lines(), "",
        *table(rows), "", verdict(rows), "",
        "One process with two threads holds all simulated Agents, with the Agent's own code for lanes and TLS, a key and a certificate of the hub's CA "
        "for each, and no member behind them; it also is the person with the watches. It shares the machine's cores with the hub, and "
        "after a restart needs as much of them as the hub does, so what else runs on the machine shows in the times.",
        "Memory is what the kernel counts as resident. That of a lane is the hub's growth from no Agent to all, with all that the hub "
        "remembers of a cluster that is connected (status, history of changes). Restarts are timed from the first connection that "
        "the new hub's socket took.",
        "", "Configuration",
        f"hub: one shard, all settings at their defaults; {pace.small:,} and {pace.large:,} registered clusters; certificates P-256, "
        "TLS 1.3, X25519MLKEM768", "", "All measurements", *seen.lines(),
    ]


def result_file(folder: Path) -> Path:
    machine = Machine.here()
    return folder / f"fleet-{machine.when[:10]}-{machine.commit}.txt"
