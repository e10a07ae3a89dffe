# SPDX-License-Identifier: Apache-2.0
"""Abandoned requests, and what they leave behind."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from harness import load
from harness.load import LoadFailed
from harness.report import Other, Row, Spread

from .peers import BY_NAME
from .runs import column, variant_of
from .site import Way
from .workloads import BULK
from .world import World

WARMING = 2000
CONNECTIONS = 8
# Beyond this the peers are left out: their figures are the same, and some stop before.
MOST_FOR_ALL = 20_000
PATIENCE_SECONDS = 1800
PEER_SECONDS = 10


@dataclass(frozen=True)
class Left:
    """Of one way, after `count` requests that were given up."""

    failures: int
    note: str
    rate: float
    memory: dict[str, float]  # change in per cent, by program
    descriptors: dict[str, int]  # change


def _after(world: World, way: Way, count: int) -> Left:
    """Others go before, which let buffers and pools grow to their sizes."""
    limit = PATIENCE_SECONDS if way.name == "ours" else PEER_SECONDS

    def abandon(number: int) -> load.Measured:
        what = {"kind": "abort", "path": BULK, "count": number, "connections": CONNECTIONS, "seconds": limit}
        return load.measure(world.load, way.endpoint, {}, what, limit + 30)

    warm = abandon(WARMING)
    before = {name: (p.resident_bytes(), p.descriptors()) for name, p in way.programs.items()}
    done = abandon(count)
    after = {name: (p.resident_bytes(), p.descriptors()) for name, p in way.programs.items()}
    return Left(
        warm.failures + done.failures, done.first_error or warm.first_error or _short(done.done, count, limit), done.per_second,
        {name: (after[name][0] / before[name][0] - 1) * 100 for name in before},
        {name: after[name][1] - before[name][1] for name in before})


def _short(done: int, count: int, seconds: float) -> str:
    return "" if done >= count else f"{done:,} in {seconds:.0f} s"


def rows(world: World, count: int) -> list[Row]:
    found: dict[str, Left] = {}
    names = [name for name in world.ways if name == "ours" or (name in BY_NAME and count <= MOST_FOR_ALL)]
    print(f"{count:,} cancels ", end="", file=sys.stderr, flush=True)
    for name in names:
        try:
            found[name] = _after(world, world.ways[name], count)
        except LoadFailed as error:
            found[name] = Left(count, str(error).rpartition("load: ")[2], 0, {}, {})
        if name != "ours" and found[name].failures:
            world.restart(name)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return _rows(f"{count:,} cancels", found.pop("ours"), _best(found))


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
    for program in ours.memory:
        memory = {name: Other(Spread.of([left.memory[program]]), note) for name, (note, left) in others.items() if left.memory}
        files = {name: Other(Spread.of([float(left.descriptors[program])]), note) for name, (note, left) in others.items() if left.memory}
        made += [
            Row(f"{title}: resident, {program} side, change", Spread.of([ours.memory[program]]), "%", "<= 1", ours.memory[program] <= 1,
                memory, ratios=False),
            Row(f"{title}: descriptors, {program} side, change", Spread.of([float(ours.descriptors[program])]), "", "<= 0",
                ours.descriptors[program] <= 0, files, ratios=False),
        ]
    return made
