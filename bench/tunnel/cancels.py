# SPDX-License-Identifier: Apache-2.0
"""Abandoned requests, and what they leave behind."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from harness import load
from harness.load import LoadFailed
from harness.report import Other, Row, Spread

from .peers import BY_NAME
from .runs import column, variant_of
from .site import Way
from .workloads import BULK, SMALL
from .world import World

# Others go before, which let buffers and pools grow to their sizes: so many, or a share of those that count. What is in use stays
# the same after some 300,000.
WARMING = 2000
WARMING_SHARE = 0.35
CONNECTIONS = 16
MIB = 2**20
# Beyond this the peers are left out: their figures are the same, and some stop before.
MOST_FOR_ALL = 20_000
PATIENCE_SECONDS = 300
PEER_SECONDS = 10
# In which connections that were closed end at both sides, and free memory goes back to the system; after which an Agent has given
# back the lanes that a load made it open.
SETTLE_SECONDS = 6
LANES_SECONDS = 65


@dataclass(frozen=True)
class Held:
    """By one program, before and after."""

    memory: tuple[int, int]  # bytes resident
    descriptors: tuple[int, int]

    @property
    def growth(self) -> float:
        return 100 * (self.memory[1] / self.memory[0] - 1)

    @property
    def opened(self) -> float:
        return float(self.descriptors[1] - self.descriptors[0])


@dataclass(frozen=True)
class Left:
    """Of one way, after `count` requests that were given up."""

    count: int
    before: int
    failures: int
    note: str
    rate: float
    held: dict[str, Held]  # by program


def _after(world: World, way: Way, count: int) -> Left:
    limit = PATIENCE_SECONDS if way.name == "ours" else PEER_SECONDS

    def abandon(number: int) -> load.Measured:
        what = {"kind": "abort", "path": BULK, "brief_path": SMALL, "count": number, "connections": CONNECTIONS, "seconds": limit}
        return load.measure(world.load, way.endpoint, {}, what, limit + 30)

    warm = abandon(max(WARMING, int(count * WARMING_SHARE)))
    time.sleep(LANES_SECONDS if count > MOST_FOR_ALL else SETTLE_SECONDS)
    before = _held(way)
    done = abandon(count)
    after = _settled(way, before)
    return Left(
        done.done, warm.done, warm.failures + done.failures, done.first_error or warm.first_error or _short(done.done, count, limit),
        done.per_second, {name: Held(*zip(before[name], after[name], strict=True)) for name in before})


Snapshot = dict[str, tuple[int, int]]  # bytes and descriptors by program


def _held(way: Way) -> Snapshot:
    return {name: (p.resident_bytes(), p.descriptors()) for name, p in way.programs.items()}


def _settled(way: Way, before: Snapshot) -> Snapshot:
    """What is held once no program has more descriptors than before, or when those of lanes too should have been given back."""
    time.sleep(SETTLE_SECONDS)
    until = time.monotonic() + (LANES_SECONDS if way.name == "ours" else 0)
    while any(files > before[name][1] for name, (_, files) in _held(way).items()) and time.monotonic() < until:
        time.sleep(SETTLE_SECONDS)
    return _held(way)


def _short(done: int, count: int, seconds: float) -> str:
    return "" if done >= count else f"{done:,} in {seconds:.0f} s"


def rows(world: World, count: int) -> list[Row]:
    found: dict[str, Left] = {}
    names = [name for name in world.ways if name == "ours" or (name in BY_NAME and count <= MOST_FOR_ALL)]
    print(f"{count:,} aborts ", end="", file=sys.stderr, flush=True)
    for name in names:
        try:
            found[name] = _after(world, world.ways[name], count)
        except LoadFailed as error:
            found[name] = Left(0, 0, count, str(error).rpartition("load: ")[2], 0, {})
        if name != "ours" and found[name].failures:
            world.restart(name)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    ours = found.pop("ours")
    return _rows(f"{ours.count:,} aborts at random moments, after {ours.before:,} others", ours, _best(found))


def _best(found: dict[str, Left]) -> dict[str, tuple[str, Left]]:
    """Of each peer the variant with the fewest failures."""
    best: dict[str, tuple[str, Left]] = {}
    for name, left in found.items():
        if column(name) not in best or left.failures < best[column(name)][1].failures:
            best[column(name)] = (variant_of(name), left)
    return best


def _rows(title: str, ours: Left, others: dict[str, tuple[str, Left]]) -> list[Row]:
    failures = {name: Other(Spread.of([float(left.failures)]), f"{note} {left.note}".strip()) for name, (note, left) in others.items()}
    made = [
        Row.none_of(f"{title}: connections that broke or served nothing afterwards", ours.failures, failures),
        Row(f"{title}: rate", Spread.of([ours.rate]), "1/s", others={
            name: Other(Spread.of([left.rate]), note) for name, (note, left) in others.items()}, more=True),
    ]
    for program, held in ours.held.items():
        memory = {name: Other(Spread.of([left.held[program].growth]), note) for name, (note, left) in others.items() if left.held}
        files = {name: Other(Spread.of([left.held[program].opened]), note) for name, (note, left) in others.items() if left.held}
        made += [
            Row(f"{title}: resident, {program} side, change", Spread.of([held.growth]), f"% of {held.memory[0] / MIB:.2f} MiB", "<= 1",
                held.growth <= 1, memory, ratios=False),
            Row(f"{title}: descriptors, {program} side, change", Spread.of([held.opened]), f"of {held.descriptors[0]}", "<= 0",
                held.opened <= 0, files, ratios=False),
        ]
    return made
