# SPDX-License-Identifier: Apache-2.0
"""The figures of a run beside their aims."""

from __future__ import annotations

from collections.abc import Callable

from harness.load import Measured
from harness.report import NOT_HERE, Row, Spread

from .workloads import LISTED, WATCHES, Runs

HUB, REAL = "hub", "kube-apiserver + etcd"
WRITES_A_SECOND = 2000
LIST_MS = 100
FANOUT_MS = 100
TIMES_A_CPU_SECOND = 3


def _each(runs: Runs, workload: str, side: str, figure: Callable[[Measured], float]) -> Spread | None:
    taken = runs.of(workload, side)
    return Spread.of(figure(w) for w in taken) if taken else None


def _both(runs: Runs, workload: str, title: str, unit: str, figure: Callable[[Measured], float]) -> list[Row]:
    rows = []
    for side in (HUB, REAL):
        value = _each(runs, workload, side, figure)
        if value is not None:
            rows.append(Row(f"{title}, {side}", value, unit))
    return rows


def _with_aim(rows: list[Row], aim: str, fits: Callable[[float], bool]) -> list[Row]:
    """The first row is the hub's."""
    first = rows[0]
    return [Row(first.row, first.value, first.unit, aim, fits(first.value.median)), *rows[1:]]


def _rate(w: Measured) -> float:
    return w.per_second


def _a_cpu_second(w: Measured) -> float:
    return w.done / w.cpu_total


def _throughput(runs: Runs, workload: str, title: str, least: float = 0) -> list[Row]:
    rate = _both(runs, workload, f"{title}: rate", "1/s", _rate)
    if least:
        rate = _with_aim(rate, f">= {least:,.0f}", lambda value: value >= least)
    rows = rate + _both(runs, workload, f"{title}: for each CPU second", "1/s", _a_cpu_second)
    ours, real = (_each(runs, workload, side, _a_cpu_second) for side in (HUB, REAL))
    name = f"{title}: for each CPU second, hub / API server"
    if ours is None or real is None:
        return [*rows, Row(name, Spread.of([0]), "x", f">= {TIMES_A_CPU_SECOND} ({NOT_HERE})")]
    times = Spread.of(a / b for a, b in zip(ours.values, real.values, strict=True))
    return [*rows, Row(name, times, "x", f">= {TIMES_A_CPU_SECOND}", times.median >= TIMES_A_CPU_SECOND)]


def rows(runs: Runs) -> list[Row]:
    listed = f"list of {LISTED:,} Clusters"
    fanout = f"event to {WATCHES:,} watches"
    delay = _both(runs, "list", f"{listed}: p50", "ms", lambda w: w.p50 / 1e3)
    p99 = _both(runs, "fanout", f"{fanout}: p99", "ms", lambda w: w.p99 / 1e3)
    return [
        *_throughput(runs, "create", "durable creates, 64 at a time", WRITES_A_SECOND),
        *_throughput(runs, "patch", "durable merge patches, 64 at a time"),
        *_throughput(runs, "get", "reads, 32 at a time"),
        *_with_aim(delay, f"<= {LIST_MS}", lambda value: value <= LIST_MS),
        *_both(runs, "list", f"{listed}: CPU", "ms", lambda w: w.cpu_total / max(w.done, 1) * 1e3),
        *_both(runs, "list", f"{listed}: bytes", "MB", lambda w: w.bytes / max(w.done, 1) / 1e6),
        *_both(runs, "fanout", f"{fanout}: p50", "ms", lambda w: w.p50 / 1e3),
        *_with_aim(p99, f"<= {FANOUT_MS}", lambda value: value <= FANOUT_MS),
        *_both(runs, "fanout", f"{fanout}: CPU for each event", "us", lambda w: w.cpu_total / max(w.done, 1) * 1e6),
    ]
