# SPDX-License-Identifier: Apache-2.0
"""What is asked of each way, and the interleaved runs."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import load
from harness.load import LoadFailed, Measured

from .peers import BY_NAME
from .runs import Runs
from .site import Way
from .world import World

SMALL = "/api/v1/namespaces/bench/configmaps/small"
LIST = "/api/v1/namespaces/bench/configmaps?bytes=52428800"
CREATE = "/api/v1/namespaces/bench/configmaps"
BULK = "/api/v1/namespaces/bench/pods/bulk/log"
WATCH = "/api/v1/namespaces/bench/pods?watch=true&rate={}"
WATCHES = 200
WATCH_RATES = (5, 25)  # events a second of each
BULK_STREAMS = 100  # beside keystrokes, on ten connections
BULK_MEGABYTES = 40  # a second, of all of them; as fast as they can, they take both cores and every way waits for the processor
SHELL = "/api/v1/namespaces/bench/pods/shell/exec?command=cat&stdin=true&stdout=true"
KEYSTROKES = {"kind": "echo", "path": SHELL, "rate": 50}


@dataclass(frozen=True)
class Workload:
    """`ways` is "all", "hops" (all but direct), "floors" (all but the peers) or "ours"; `quick` says whether the short run has it; `length` multiplies the
    window; `meanwhile` is asked of the same way at the same time. `repeats` is how many at most, for long ones."""

    name: str
    what: Mapping[str, Any]
    ways: str = "all"
    quick: bool = True
    length: float = 1
    meanwhile: Mapping[str, Any] | None = None
    repeats: int = 5

    def of(self, world: World) -> list[str]:
        if self.ways == "ours":
            return ["ours"]
        left_out = {"all": (), "hops": ("direct",), "floors": tuple(BY_NAME)}[self.ways]
        return [name for name in world.ways if name not in left_out]


def _get(connections: int, **more: Any) -> dict[str, Any]:
    return {"kind": "get", "path": SMALL, "connections": connections, **more}


def _rate(rate: float, **more: Any) -> dict[str, Any]:
    return {"kind": "rate", "path": SMALL, "connections": 16, "rate": rate, **more}


def _watches(rate: int) -> dict[str, Any]:
    return {"kind": "watch", "path": WATCH.format(rate), "connections": 20, "streams": WATCHES // 20}


def _bulk_streams(query: str = "") -> dict[str, Any]:
    return {"kind": "download", "path": BULK + query, "connections": 10, "streams": BULK_STREAMS // 10}


WORKLOADS = (
    Workload("get-1", _get(1)),
    Workload("get-16", _get(16)),
    Workload("get-64", _get(64)),
    Workload("get-64-h1", _get(64, protocol="http/1.1"), "floors", quick=False, repeats=3),
    Workload("get-64-shared", _get(1, streams=64), "floors", quick=False, repeats=3),
    Workload("rate-500", _rate(500), length=2),
    Workload("handshake", {"kind": "handshake", "path": SMALL, "connections": 4}),
    Workload("resume", {"kind": "handshake", "path": SMALL, "connections": 4, "resume": True}),
    Workload("down-1", {"kind": "download", "path": BULK}),
    Workload("down-8", {"kind": "download", "path": BULK, "connections": 8}),
    Workload("up-1", {"kind": "upload", "path": CREATE}, quick=False),
    *(Workload(f"watch-{rate}", _watches(rate), length=2 if rate < 10 else 1) for rate in WATCH_RATES),
    Workload("rate-200", _rate(200), length=2),
    Workload("stall", _rate(200, kind="stall", stall_path=BULK), length=2),
    Workload("stall-100", _rate(200, kind="stall", stall_path=BULK, stalled=100, settle=2), "hops", length=2, repeats=3),
    Workload("echo", KEYSTROKES, length=2, repeats=3),
    Workload("echo-bulk", KEYSTROKES, length=2, meanwhile=_bulk_streams(f"?rate={BULK_MEGABYTES * 1_000_000 / BULK_STREAMS:.0f}")),
    Workload("echo-flood", KEYSTROKES, quick=False, length=2, repeats=2, meanwhile=_bulk_streams()),
    Workload("list-8", {"kind": "get", "path": LIST, "connections": 8}, "ours", length=3, repeats=3),
)


@dataclass(frozen=True)
class Pace:
    repeats: int
    warmup: float
    seconds: float
    quick: bool
    minutes: float = 0  # for all workloads together; as it gets late, later repeats are left out


QUICK = Pace(repeats=2, warmup=0.15, seconds=0.35, quick=True)
FULL = Pace(repeats=5, warmup=0.25, seconds=1.0, quick=False)


def one(world: World, way: Way, workload: Workload, pace: Pace) -> Measured:
    what = {**workload.what, "warmup": pace.warmup, "seconds": pace.seconds * workload.length}
    if workload.meanwhile is None:
        return load.measure(world.load, way.endpoint, way.pids(), what)
    return load.measure_beside(world.load, way.endpoint, way.pids(), what, way.endpoint, workload.meanwhile)


def run(world: World, pace: Pace, only: Sequence[str] = ()) -> Runs:
    """The ways in turn, and that again for each repeat, so that a busy minute of the machine hits all alike."""
    runs = Runs()
    chosen = [w for w in WORKLOADS if (w.name in only if only else w.quick or not pace.quick)]
    began = time.monotonic()
    for number, workload in enumerate(chosen, 1):
        passed = time.monotonic() - began
        print(f"{passed:4.0f} s  {number} of {len(chosen)}  {workload.name} ", end="", file=sys.stderr, flush=True)
        _repeat(world, workload, pace, runs, began + pace.minutes * 60 * number / len(chosen) if pace.minutes else math.inf)
        print(file=sys.stderr)
    return runs


def _repeat(world: World, workload: Workload, pace: Pace, runs: Runs, late: float) -> None:
    """No repeat but the first begins when it is late."""
    ended: set[str] = set()
    wanted = min(pace.repeats, workload.repeats)
    for repeat in range(wanted):
        if repeat and time.monotonic() > late:
            print(f" {repeat} of {wanted} repeats, since it is late", end="", file=sys.stderr)
            return
        for name in workload.of(world):
            if name not in ended and not attempt(world, runs, workload.name, name, lambda way: one(world, way, workload, pace)):
                ended.add(name)
        print(".", end="", file=sys.stderr, flush=True)


def attempt(world: World, runs: Runs, workload: str, name: str, ask: Callable[[Way], Measured]) -> bool:
    """False when the way gave nothing at all: it is not asked for this again, and starts afresh for the next workload."""
    why = ""
    window = None
    try:
        window = ask(world.ways[name])
        if window.done == 0 and window.bytes == 0:
            why = f"nothing came within the window; {window.failures} failures {window.first_error}".strip()
        elif window.meanwhile is not None and window.meanwhile.bytes == 0:
            why, window = f"nothing came of what ran beside it; {window.meanwhile.first_error}".strip(), None
    except LoadFailed as error:
        why = str(error).rpartition("load: ")[2]
    runs.add(workload, name, window, why)
    if why:
        print(f"({name}: {why}) ", end="", file=sys.stderr, flush=True)
        world.restart(name)
    return not why
