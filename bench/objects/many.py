# SPDX-License-Identifier: Apache-2.0
"""Memory for each object, and starting with many of them."""

from __future__ import annotations

import sys

from harness.report import Row, Spread

from .workloads import LISTED, Pace, fill
from .world import World


def rows(world: World, pace: Pace) -> list[Row]:
    out = []
    added = pace.objects - LISTED
    memory: list[Row] = []
    start: list[Row] = []
    for side in world.sides:
        print(f"{pace.objects:,} clusters on {side.name}", file=sys.stderr)
        before = side.resident()
        made = fill(world, side, LISTED, added)
        side.settle()
        grown = (side.resident() - before) / added / 1024
        seconds = side.restart()
        side.settle()
        fresh = side.resident() / 2**20
        memory.append(Row(f"memory grown for each object while {added:,} were created, {side.name}", Spread.of([grown]), "KiB"))
        memory.append(Row(f"resident with {pace.objects:,} objects after a start, {side.name}", Spread.of([fresh]), "MiB"))
        start.append(Row(f"start with {pace.objects:,} objects until a list is answered, {side.name}", Spread.of([seconds]), "s"))
        out.append(Row(f"creating {added:,} objects, 64 at a time, {side.name}", Spread.of([made.per_second]), "1/s"))
    return out + memory + start
