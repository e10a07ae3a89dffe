# SPDX-License-Identifier: Apache-2.0
"""The figures of a run beside their budgets. A budget that is a multiple of something that did not run says so."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.load import Measured
from harness.report import Other, Row, Spread

from .runs import BEST_PEER, PEERS, Figure, Limit, Runs, column, joined, milliseconds, processor, us_each, variant_of
from .workloads import BULK_MEGABYTES, BULK_STREAMS, WATCH_RATES, WATCHES

MIB = 2**20
GIB = 2**30
# The largest window of a stream: what a reader that stops may cost a program.
WINDOW_MIB = 16.0
# What all connections of a program may hold unread: docs/reference/limits.md.
BUFFER_BUDGET_MIB = {"hub": 256.0, "agent": 64.0}
LABELS = {"hub": "Stub", "agent": "Agent"}
HAPROXY_HALF_MORE = Limit(1.5, "haproxy")
ENVOY = "envoy"
Idle = Mapping[str, Mapping[str, int]]  # resident bytes by way and program


def _seconds_a_gib(*programs: str) -> Figure:
    return lambda w: processor(w, programs) / max(w.bytes, 1) * GIB


def _megabytes(w: Measured) -> float:
    return w.bytes / w.seconds / 1e6


def _beside(w: Measured) -> float:
    return math.nan if w.meanwhile is None else _megabytes(w.meanwhile)


def _rate(w: Measured) -> float:
    return w.per_second


def cpu(runs: Runs, workload: str, title: str, unit: str, *limits: Limit) -> list[Row]:
    return [
        runs.row(workload, f"{title}: CPU, both sides", unit, us_each(), *limits),
        *(Row(f"{title}: CPU, {label}", runs.spread(workload, "ours", us_each(name)), unit) for name, label in LABELS.items()),
    ]


def speed(runs: Runs, workload: str, title: str) -> list[Row]:
    return [
        runs.row(workload, f"{title}: rate", "1/s", _rate, more=True), *_delays(runs, workload, title),
        runs.failed(workload, title),
    ]


def _delays(runs: Runs, workload: str, title: str) -> list[Row]:
    return [runs.row(workload, f"{title}: {q}", "ms", milliseconds(q)) for q in ("p50", "p99")]


def _gets(runs: Runs) -> list[Row]:
    titles = {
        "get-1": ("small GET, 1 client", (HAPROXY_HALF_MORE, Limit(1 / 2, BEST_PEER, "1/2"))),
        "get-16": ("small GET, 16 clients", (HAPROXY_HALF_MORE, Limit(1 / 3, BEST_PEER, "1/3"))),
        "get-64": ("small GET, 64 clients", (HAPROXY_HALF_MORE, Limit(1 / 4, BEST_PEER, "1/4"))),
        "get-64-h1": ("small GET, 64 clients, HTTP/1.1", (HAPROXY_HALF_MORE,)),
        "get-64-shared": ("small GET, 64 streams of one client", (HAPROXY_HALF_MORE,)),
    }
    return joined((
        *cpu(runs, name, title, "us/request", *limits), *speed(runs, name, title),
    ) for name, (title, limits) in titles.items() if name in runs)


def _fixed_rate(runs: Runs) -> list[Row]:
    name, title, base = "rate-500", "500 requests/s", ("rate-500", "direct")
    return [
        runs.row(name, f"{title}: added p50", "ms", milliseconds("p50"), HAPROXY_HALF_MORE, base=base),
        runs.row(name, f"{title}: added p99", "ms", milliseconds("p99"), Limit(1, ENVOY, "1"), base=base),
        *_delays(runs, name, title), *cpu(runs, name, title, "us/request"), runs.failed(name, title),
    ]


def _handshake(runs: Runs) -> list[Row]:
    name, title = "handshake", "new connection with client certificate per request"
    return [
        *cpu(runs, name, title, "us/request", Limit(3 / 4, ENVOY, "3/4")),
        runs.row(name, f"{title}: rate", "1/s", _rate, more=True), runs.failed(name, title),
    ]


def _resume(runs: Runs) -> list[Row]:
    name, title = "resume", "the same with resumption"
    row = runs.row(name, f"{title}: CPU, both sides", "us/request", us_each())
    full = runs.spread("handshake", "ours", us_each())
    if full.values and row.value.values:
        limit = full.median / 3
        row = Row(row.row, row.value, row.unit, f"<= {limit:.0f} (1/3 of the full handshake)", row.value.median <= limit, row.others)
    return [
        row, runs.row(name, f"{title}: resumed of all", "%", lambda w: 100 * w.resumed / max(w.done, 1), more=True),
        runs.failed(name, title),
    ]


def _bulk(runs: Runs) -> list[Row]:
    titles = {"down-1": "bulk down, one stream", "down-8": "bulk down, eight streams", "up-1": "bulk up, one stream"}
    return joined((
        runs.row(name, f"{title}: CPU, both sides", "s/GiB", _seconds_a_gib(), Limit(3.5)),
        *(Row(f"{title}: CPU, {label}", runs.spread(name, "ours", _seconds_a_gib(program)), "s/GiB")
          for program, label in LABELS.items()),
        runs.row(name, title, "MB/s", _megabytes, Limit(3, BEST_PEER, "3"), more=True), runs.failed(name, title),
    ) for name, title in titles.items() if name in runs)


def _arrived(sent: float) -> Figure:
    """In per cent of what the origin sends in that time; what had waited since before the window is not counted as more."""
    return lambda w: min(100.0, 100 * w.per_second / sent)


def _watches(runs: Runs) -> list[Row]:
    rates = {f"watch-{rate}": rate for rate in WATCH_RATES}
    return joined((
        *cpu(runs, name, title, "us/event", Limit(1.5, ENVOY), Limit(1 / 2, BEST_PEER, "1/2")),
        runs.row(name, f"{title}: events that came in time", "%", _arrived(rate * WATCHES), more=True),
        *_delays(runs, name, title), runs.failed(name, title),
    ) for name, rate in rates.items() if name in runs for title in [f"{WATCHES} watches x {rate} events/s"])


def _peak(program: str) -> Figure:
    return lambda w: w.peak.get(program, math.nan) / MIB


def _stall(runs: Runs) -> list[Row]:
    name, title, calm = "stall", "stalled reader beside 200 requests/s", ("rate-200", None)
    return [
        runs.failed(name, title),
        runs.row(name, f"{title}: change of p99", "ms", milliseconds("p99"), Limit(1), base=calm),
        runs.row(name, f"{title}: memory, hub side", "MiB", _peak("hub"), Limit(WINDOW_MIB), base=calm),
        runs.row(name, f"{title}: memory, agent side", "MiB", _peak("agent"), Limit(WINDOW_MIB), base=calm),
    ]


def _many_stalled(runs: Runs) -> list[Row]:
    name, title, calm = "stall-100", "100 stalled readers beside 200 requests/s", ("rate-200", None)
    return [
        runs.failed(name, title),
        runs.row(name, f"{title}: change of p99", "ms", milliseconds("p99"), base=calm),
        *(runs.row(name, f"{title}: memory, {side} side", "MiB", _peak(side), Limit(limit), base=calm)
          for side, limit in BUFFER_BUDGET_MIB.items()),
    ]


def _echo(runs: Runs) -> list[Row]:
    """The aim is for bulk that leaves room on the machine: without that, all ways, the direct one too, wait for the processor."""
    steady = f"keystroke echo beside {BULK_STREAMS} bulk streams of {BULK_MEGABYTES} MB/s together"
    flood = f"keystroke echo beside {BULK_STREAMS} bulk streams as fast as they can"
    delays = {
        "echo": ("keystroke echo, nothing beside it", ()), "echo-bulk": (steady, (Limit(5),)), "echo-flood": (flood, ()),
    }
    return joined((
        runs.row(name, f"{title}: p50", "ms", milliseconds("p50")), runs.row(name, f"{title}: p99", "ms", milliseconds("p99"), *limits),
        runs.failed(name, title),
        *([runs.row(name, f"{title}: bulk meanwhile", "MB/s", _beside, more=True)] if name != "echo" else []),
    ) for name, (title, limits) in delays.items() if name in runs)


def _memory(runs: Runs, idle: Idle) -> list[Row]:
    rows = []
    for program, label in LABELS.items():
        title = f"idle, one lane: resident, {label}"
        ours, others = idle["ours"][program] / MIB, _least(idle, program)
        aim = {"aim": "<= 12", "met": ours <= 12} if program == "agent" else {}
        rows.append(Row(title, Spread.of([ours]), "MiB", others=others, **aim))
        lists = runs.of("list-8", "ours")
        if lists:
            growth = Spread.of((w.peak[program] - idle["ours"][program]) / MIB for w in lists)
            rows.append(Row.at_most(f"8 lists of 50 MiB at once: above idle, {label}", growth, "MiB", 32))
    return rows


def _least(idle: Idle, program: str) -> dict[str, Other]:
    """Of each peer the variant that takes least."""
    others: dict[str, Other] = {}
    for way, programs in idle.items():
        name = column(way)
        if name in PEERS and (name not in others or programs[program] / MIB < others[name].value.median):
            others[name] = Other(Spread.of([programs[program] / MIB]), variant_of(way))
    return others


def rows(runs: Runs, idle: Idle) -> list[Row]:
    """In the order of the table of aims."""
    groups = (
        ("get", _gets), ("rate-500", _fixed_rate), ("handshake", _handshake), ("resume", _resume), ("down", _bulk),
        ("watch", _watches), ("stall", _stall), ("stall-100", _many_stalled), ("echo", _echo))
    ran = {name for name, _ in runs.windows}
    made = joined(make(runs) for name, make in groups if name in ran or name in ("get", "down", "watch", "echo"))
    return made + _memory(runs, idle)
