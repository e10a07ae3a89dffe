# SPDX-License-Identifier: Apache-2.0
"""Rows that are no windows of load: abandoned requests, and the confirmation with a real API server."""

from __future__ import annotations

import sys

from e2e.support.process import Program
from harness import load
from harness.report import Row, Spread

from .workloads import BULK, Pace
from .world import World

CANCELS = 2000


def _sizes(programs: dict[str, Program]) -> dict[str, tuple[int, int]]:
    return {name: (p.resident_bytes(), p.descriptors()) for name, p in programs.items()}


def cancels(world: World) -> list[Row]:
    """2,000 abandoned requests, after 2,000 others that let buffers and pools grow to their sizes."""
    way = world.ways["ours"]
    what = {"kind": "abort", "path": BULK, "count": CANCELS, "seconds": 1}
    print(f"{CANCELS} cancels", file=sys.stderr)
    load.measure(world.load, way.endpoint, {}, what)
    programs = dict(way.programs)
    before = _sizes(programs)
    done = load.measure(world.load, way.endpoint, {}, what)
    after = _sizes(programs)
    title = f"{CANCELS:,} cancels"
    rows = [
        Row(f"{title}: failures", Spread.of([float(done.failures)]), "of all", "0", done.failures == 0),
        Row(f"{title}: rate", Spread.of([done.per_second]), "1/s"),
    ]
    for name in programs:
        memory = (after[name][0] / before[name][0] - 1) * 100
        rows.append(Row.at_most(f"{title}: resident, {name}, change", Spread.of([memory]), "%", 1))
        rows.append(Row.at_most(
            f"{title}: descriptors, {name}, change", Spread.of([float(after[name][1] - before[name][1])]), "", 0))
    return rows


def real_api_server(world: World, pace: Pace) -> list[Row]:
    """A real kube-apiserver in place of the origin: what its own cost leaves of ours."""
    from .kubernetes import RealCluster

    print("real API server ", end="", file=sys.stderr, flush=True)
    with RealCluster(world) as cluster:
        rows = cluster.rows(pace)
    print(file=sys.stderr)
    return rows
