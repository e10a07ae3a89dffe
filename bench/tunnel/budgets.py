# SPDX-License-Identifier: Apache-2.0
"""The figures of a run beside their budgets. A budget that is a multiple of a peer that did not run says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from harness.load import Measured
from harness.report import NOT_HERE, Row, Spread

from .workloads import Runs

MIB = 2**20
GIB = 2**30
# The largest window of a stream: what a reader that stops may cost a program.
WINDOW_MIB = 16.0


def _us_each(program: str | None) -> Callable[[Measured], float]:
    """Microseconds of processor time for each thing done, of one program or of all."""
    return lambda w: (w.cpu_total if program is None else w.cpu[program]) / max(w.done, 1) * 1e6


def _seconds_a_gib(w: Measured) -> float:
    return w.cpu_total / max(w.bytes, 1) * GIB


def _megabytes(w: Measured) -> float:
    return w.bytes / w.seconds / 1e6


def _spread(runs: Runs, workload: str, way: str, figure: Callable[[Measured], float]) -> Spread:
    return Spread.of(figure(w) for w in runs.of(workload, way))


def _paired(runs: Runs, ours: tuple[str, str], other: tuple[str, str], figure: Callable[[Measured], float]) -> Spread:
    """Differences within each repeat."""
    return Spread.of(figure(a) - figure(b) for a, b in zip(runs.of(*ours), runs.of(*other), strict=True))


def _failures(runs: Runs, workload: str, title: str) -> Row:
    total = Spread.of([float(sum(w.failures for w in runs.of(workload, "ours")))])
    return Row(f"{title}: failures through the hub", total, "of all", "0", total.median == 0)


def _cpu(runs: Runs, workload: str, title: str, unit: str, aim: str = "", times_haproxy: float = 0) -> list[Row]:
    ours = _spread(runs, workload, "ours", _us_each(None))
    haproxy = _spread(runs, workload, "haproxy", _us_each(None))
    rows = [
        Row(f"{title}: CPU, Stub", _spread(runs, workload, "ours", _us_each("hub")), unit),
        Row(f"{title}: CPU, Agent", _spread(runs, workload, "ours", _us_each("agent")), unit),
    ]
    if times_haproxy:
        limit = times_haproxy * haproxy.median
        rows.append(Row.at_most(f"{title}: CPU, Stub + Agent", ours, unit, limit, f"{times_haproxy} x HAProxy{aim}"))
    else:
        rows.append(Row(f"{title}: CPU, Stub + Agent", ours, unit, aim))
    rows.append(Row(f"{title}: CPU, HAProxy", haproxy, unit))
    return rows


def _latency(runs: Runs, workload: str, title: str, ways: Iterable[str]) -> list[Row]:
    rows = []
    for way in ways:
        rows.append(Row(f"{title}: p50, {way}", _spread(runs, workload, way, lambda w: w.p50 / 1e3), "ms"))
        rows.append(Row(f"{title}: p99, {way}", _spread(runs, workload, way, lambda w: w.p99 / 1e3), "ms"))
    return rows


def _gets(runs: Runs) -> list[Row]:
    rows = []
    titles = {
        "get-1": ("small GET, 1 client", f"; 1/2 of the best peer: {NOT_HERE}"),
        "get-16": ("small GET, 16 clients", f"; 1/3 of the best peer: {NOT_HERE}"),
        "get-64": ("small GET, 64 clients", f"; 1/4 of the best peer: {NOT_HERE}"),
        "get-64-h1": ("small GET, 64 clients, HTTP/1.1", ""),
        "get-64-shared": ("small GET, 64 streams of one client", ""),
    }
    for name, (title, peers) in titles.items():
        if name not in runs:
            continue
        rows += _cpu(runs, name, title, "us/request", peers, 1.5)
        for way in ("direct", "haproxy", "ours"):
            rows.append(Row(f"{title}: rate, {way}", _spread(runs, name, way, lambda w: w.per_second), "1/s"))
        rows += _latency(runs, name, title, ("direct", "haproxy", "ours"))
        rows.append(_failures(runs, name, title))
    return rows


def _fixed_rate(runs: Runs) -> list[Row]:
    name, title = "rate-500", "500 requests/s"
    if name not in runs:
        return []
    added = {
        (way, q): _paired(runs, (name, way), (name, "direct"), lambda w, q=q: getattr(w, q) / 1e3)  # type: ignore[misc]
        for way in ("haproxy", "ours") for q in ("p50", "p99")
    }
    haproxy = added["haproxy", "p50"]
    return [
        Row.at_most(f"{title}: added p50, ours", added["ours", "p50"], "ms", 1.5 * haproxy.median, "1.5 x HAProxy"),
        Row(f"{title}: added p50, HAProxy", haproxy, "ms"),
        Row(f"{title}: added p99, ours", added["ours", "p99"], "ms", f"<= Envoy's: {NOT_HERE}"),
        Row(f"{title}: added p99, HAProxy", added["haproxy", "p99"], "ms"),
        *_latency(runs, name, title, ("direct",)),
        *_cpu(runs, name, title, "us/request"),
        _failures(runs, name, title),
    ]


def _handshake(runs: Runs) -> list[Row]:
    name, title = "handshake", "new connection per request"
    if name not in runs:
        return []
    return [
        *_cpu(runs, name, title, "us/request", f"<= 3/4 of Envoy: {NOT_HERE}"),
        *(Row(f"{title}: rate, {way}", _spread(runs, name, way, lambda w: w.per_second), "1/s")
          for way in ("direct", "haproxy", "ours")),
        _failures(runs, name, title),
    ]


def _bulk(runs: Runs) -> list[Row]:
    rows = []
    titles = {"down-1": "bulk down, one stream", "down-8": "bulk down, eight streams", "up-1": "bulk up, one stream"}
    for name, title in titles.items():
        if name not in runs:
            continue
        rows.append(Row.at_most(
            f"{title}: CPU, Stub + Agent", _spread(runs, name, "ours", _seconds_a_gib), "s/GiB", 3.5))
        for program in ("hub", "agent"):
            rows.append(Row(
                f"{title}: CPU, {program}",
                _spread(runs, name, "ours", lambda w, p=program: w.cpu[p] / max(w.bytes, 1) * GIB), "s/GiB"))  # type: ignore[misc]
        rows.append(Row(f"{title}: CPU, HAProxy", _spread(runs, name, "haproxy", _seconds_a_gib), "s/GiB"))
        rows.append(Row(
            f"{title}: ours", _spread(runs, name, "ours", _megabytes), "MB/s", f">= 3 x the best peer: {NOT_HERE}"))
        rows += [Row(f"{title}: {way}", _spread(runs, name, way, _megabytes), "MB/s") for way in ("direct", "haproxy")]
        rows.append(_failures(runs, name, title))
    return rows


def _watches(runs: Runs) -> list[Row]:
    name, title = "watch-200", "200 watches x 5 events/s"
    if name not in runs:
        return []
    return [
        *_cpu(runs, name, title, "us/event", f"<= 1.5 x Envoy, 1/2 of the best peer: {NOT_HERE}"),
        *_latency(runs, name, title, ("direct", "haproxy", "ours")),
        _failures(runs, name, title),
    ]


def _stall(runs: Runs) -> list[Row]:
    if "stall" not in runs or "rate-200" not in runs:
        return []
    title = "stalled reader beside 200 requests/s"
    rows = [_failures(runs, "stall", title)]
    for way in ("ours", "haproxy"):
        change = _paired(runs, ("stall", way), ("rate-200", way), lambda w: w.p99 / 1e3)
        label = f"{title}: change of p99, {way}"
        rows.append(Row.at_most(label, change, "ms", 1) if way == "ours" else Row(label, change, "ms"))
    for program in ("hub", "agent"):
        growth = _paired(runs, ("stall", "ours"), ("rate-200", "ours"), lambda w, p=program: w.peak[p] / MIB)  # type: ignore[misc]
        rows.append(Row.at_most(f"{title}: memory, {program}", growth, "MiB", WINDOW_MIB, "its window"))
    lost = sum(w.failures for w in runs.of("stall", "haproxy"))
    rows.append(Row(f"{title}: failures, HAProxy", Spread.of([float(lost)]), "of all"))
    return rows


def _memory(runs: Runs, idle: dict[str, int]) -> list[Row]:
    rows = []
    for program in ("hub", "agent"):
        value = Spread.of([idle[program] / MIB])
        label = f"idle, one lane: resident, {program}"
        rows.append(Row.at_most(label, value, "MiB", 12) if program == "agent" else Row(label, value, "MiB"))
        peak = max((w.peak[program] for name_way, ws in runs.windows.items() if name_way[1] == "ours" for w in ws), default=0)
        rows.append(Row(f"highest of all workloads: resident, {program}", Spread.of([peak / MIB]), "MiB"))
        if "list-8" in runs:
            growth = Spread.of((w.peak[program] - idle[program]) / MIB for w in runs.of("list-8", "ours"))
            rows.append(Row.at_most(f"8 lists of 50 MiB at once: above idle, {program}", growth, "MiB", 32))
    return rows


def rows(runs: Runs, idle: dict[str, int]) -> list[Row]:
    groups = (_gets(runs), _fixed_rate(runs), _handshake(runs), _bulk(runs), _watches(runs), _stall(runs), _memory(runs, idle))
    return list(chain.from_iterable(groups))
