# SPDX-License-Identifier: Apache-2.0
"""What is asked of each side, in turn."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.support.client import GROUP
from harness import load
from harness.load import Measured

from .world import Side, World, cluster_body

CLUSTERS = f"{GROUP}/clusters"
LISTED = 10_000
WATCHES = 1000
JSON, MERGE = "application/json", "application/merge-patch+json"
CREATE = {"method": "POST", "path": CLUSTERS, "content_type": JSON, "body": cluster_body()}


@dataclass(frozen=True)
class Pace:
    repeats: int
    warmup: float
    seconds: float
    objects: int  # for memory and start-up


FULL = Pace(3, 1, 5, 100_000)
QUICK = Pace(1, 0.5, 2, 20_000)


@dataclass
class Runs:
    windows: dict[tuple[str, str], list[Measured]] = field(default_factory=dict)

    def of(self, workload: str, side: str) -> list[Measured]:
        return self.windows.get((workload, side), [])

    def lines(self) -> list[str]:
        out = []
        for (workload, side), taken in self.windows.items():
            for w in taken:
                cpu = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in w.cpu.items())
                error = f", {w.failures} failures: {w.first_error}" if w.failures else ""
                out.append(
                    f"  {workload:<8} {side:<22} {w.done} in {w.seconds:.2f} s, p50 {w.p50 / 1e3:.2f} ms, "
                    f"p99 {w.p99 / 1e3:.2f} ms, CPU {cpu}{error}")
        return out


def patch(annotation: str) -> dict[str, Any]:
    return {
        "method": "PATCH", "path": f"{CLUSTERS}/c-{{n}}", "content_type": MERGE, "range": LISTED,
        "body": '{"metadata":{"annotations":{"' + annotation + '":"{now}"}}}',
    }


def measure(world: World, side: Side, what: Mapping[str, Any], patience: float = 120) -> Measured:
    done = load.measure(world.load, side.endpoint, side.pids(), {"plain": True, **what}, patience)
    assert done.failures == 0, f"{side.name}, {what}: {done.first_error}"
    return done


def fill(world: World, side: Side, first: int, count: int) -> Measured:
    """Creates Clusters, 64 at a time."""
    return measure(world, side, {
        "kind": "count", "count": count, "connections": 8, "streams": 8, "ask": {**CREATE, "first": first}}, 1200)


def run(world: World, pace: Pace) -> Runs:
    """Every workload on each side in turn, again and again. Both sides hold LISTED clusters before and after each window but
    those that create."""
    runs = Runs()
    window = {"warmup": pace.warmup, "seconds": pace.seconds}
    fresh = 1_000_000  # numbers of clusters that are created to be measured
    for repeat in range(pace.repeats):
        for side in world.sides:
            def note(workload: str, measured: Measured, side: Side = side) -> None:
                runs.windows.setdefault((workload, side.name), []).append(measured)
                print(".", end="", file=sys.stderr, flush=True)

            if repeat == 0:
                fill(world, side, 0, LISTED)
                side.settle()
            note("get", measure(world, side, {
                "kind": "ask", **window, "connections": 8, "streams": 4,
                "ask": {"method": "GET", "path": f"{CLUSTERS}/c-{{n}}", "range": LISTED}}))
            note("list", measure(world, side, {
                "kind": "ask", **window, "connections": 1, "ask": {"method": "GET", "path": CLUSTERS}}))
            note("patch", measure(world, side, {
                "kind": "ask", **window, "connections": 8, "streams": 8, "ask": patch("example.com/measured")}))
            since = side.revision("clusters")
            note("fanout", measure(world, side, {
                "kind": "fanout", **window, "connections": WATCHES // 50, "streams": 50, "rate": 5,
                "path": f"{CLUSTERS}?watch=1&resourceVersion={since}", "ask": patch("sent")}))
            created = measure(world, side, {
                "kind": "ask", **window, "connections": 8, "streams": 8, "ask": {**CREATE, "first": fresh}})
            note("create", created)
            side.forget([f"c-{n}" for n in range(fresh, created.next)], world)
            fresh = max(fresh, created.next)
    print(file=sys.stderr)
    return runs
