# SPDX-License-Identifier: Apache-2.0
"""What is asked of each way, and the interleaved runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import load
from harness.load import Measured

from .world import Way, World

SMALL = "/api/v1/namespaces/bench/configmaps/small"
LIST = "/api/v1/namespaces/bench/configmaps?bytes=52428800"
CREATE = "/api/v1/namespaces/bench/configmaps"
BULK = "/api/v1/namespaces/bench/pods/bulk/log"
WATCH = "/api/v1/namespaces/bench/pods?watch=true&rate=5"

ALL = ("direct", "haproxy", "ours")
HOPS = ("haproxy", "ours")
OURS = ("ours",)


@dataclass(frozen=True)
class Workload:
    """`quick` says whether the short run has it; `length` multiplies the window."""

    name: str
    what: Mapping[str, Any]
    ways: Sequence[str] = ALL
    quick: bool = True
    length: float = 1


def _get(connections: int, **more: Any) -> dict[str, Any]:
    return {"kind": "get", "path": SMALL, "connections": connections, **more}


WORKLOADS = (
    Workload("get-1", _get(1)),
    Workload("get-16", _get(16)),
    Workload("get-64", _get(64)),
    Workload("get-64-h1", _get(64, protocol="http/1.1"), quick=False),
    Workload("get-64-shared", _get(1, streams=64), quick=False),
    Workload("rate-500", {"kind": "rate", "path": SMALL, "connections": 16, "rate": 500}, length=2),
    Workload("handshake", {"kind": "handshake", "path": SMALL, "connections": 4}),
    Workload("down-1", {"kind": "download", "path": BULK}),
    Workload("down-8", {"kind": "download", "path": BULK, "connections": 8}, quick=False),
    Workload("up-1", {"kind": "upload", "path": CREATE}, quick=False),
    Workload("watch-200", {"kind": "watch", "path": WATCH, "connections": 20, "streams": 10}, length=2),
    Workload("rate-200", {"kind": "rate", "path": SMALL, "connections": 16, "rate": 200}, HOPS, length=2),
    Workload("stall", {"kind": "stall", "path": SMALL, "stall_path": BULK, "connections": 16, "rate": 200}, HOPS, length=2),
    Workload("list-8", {"kind": "get", "path": LIST, "connections": 8}, OURS, quick=False, length=2),
)


@dataclass(frozen=True)
class Pace:
    repeats: int
    warmup: float
    seconds: float
    quick: bool


QUICK = Pace(repeats=3, warmup=0.15, seconds=0.35, quick=True)
FULL = Pace(repeats=5, warmup=0.25, seconds=1.0, quick=False)


@dataclass
class Runs:
    """All windows, by workload and way, in the order of the repeats."""

    windows: dict[tuple[str, str], list[Measured]] = field(default_factory=dict)

    def of(self, workload: str, way: str) -> list[Measured]:
        return self.windows.get((workload, way), [])

    def __contains__(self, workload: str) -> bool:
        return (workload, "ours") in self.windows

    def add(self, workload: str, way: str, window: Measured) -> None:
        self.windows.setdefault((workload, way), []).append(window)

    def lines(self) -> list[str]:
        """Every window as it was, for whoever wants to judge the medians."""
        out = []
        for (workload, way), windows in self.windows.items():
            for w in windows:
                cpu = " ".join(f"{name}={seconds:.4f}s" for name, seconds in w.cpu.items())
                peak = " ".join(f"{name}={size / 2**20:.1f}MiB" for name, size in w.peak.items())
                error = f" first_error={w.first_error!r}" if w.first_error else ""
                out.append(
                    f"{workload:14} {way:8} {w.seconds:.3f}s done={w.done} failures={w.failures} bytes={w.bytes} "
                    f"p50={w.p50:.0f}us p99={w.p99:.0f}us cpu: {cpu} client={w.own_cpu:.4f}s peak: {peak}{error}")
        return out


def one(world: World, way: Way, workload: Workload, pace: Pace) -> Measured:
    what = {**workload.what, "warmup": pace.warmup, "seconds": pace.seconds * workload.length}
    return load.measure(world.load, way.endpoint, way.pids(), what)


def run(world: World, pace: Pace, only: Sequence[str] = ()) -> Runs:
    """The ways in turn, and that again for each repeat, so that a busy minute of the machine hits all alike."""
    runs = Runs()
    chosen = [w for w in WORKLOADS if (w.name in only if only else w.quick or not pace.quick)]
    for workload in chosen:
        print(f"{workload.name} ", end="", file=sys.stderr, flush=True)
        for _ in range(pace.repeats):
            for name in workload.ways:
                runs.add(workload.name, name, one(world, world.ways[name], workload, pace))
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    return runs
