# SPDX-License-Identifier: Apache-2.0
"""`./dev bench tunnel`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.machine import Machine
from harness.report import Outcome, Row, table, verdict, where_better

from . import budgets, extras, workloads
from .runs import COLUMNS, PEERS, Runs
from .workloads import FULL, QUICK
from .world import World

SETTLE_SECONDS = 1.5
CANCELS_QUICK = 2000
CANCELS = 10_000


@dataclass(frozen=True)
class Options:
    quick: bool = False
    repeats: int = 0
    seconds: float = 0
    only: Sequence[str] = ()
    real: bool = True
    haproxy_alpn: str = "http/1.1"
    beside: Sequence[str] = ("haproxy",)
    cancels: int = 0
    minutes: float = 0


def run(options: Options) -> Outcome:
    pace = QUICK if options.quick else FULL
    pace = workloads.Pace(
        options.repeats or pace.repeats, pace.warmup, options.seconds or pace.seconds, pace.quick, options.minutes)
    machine = Machine.here()
    began = time.monotonic()
    with World(options.beside, options.haproxy_alpn) as world:
        time.sleep(SETTLE_SECONDS)  # what starting took is given back before memory is read
        idle = {way.name: {name: p.resident_bytes() for name, p in way.programs.items()} for way in world.ways.values()}
        runs = workloads.run(world, pace, options.only)
        rows = budgets.rows(runs, idle)
        if not options.only or "extras" in options.only:
            rows += extras.rows(world, pace, options.cancels or (CANCELS_QUICK if pace.quick else CANCELS))
        if options.real and not options.only and not pace.quick:
            rows += extras.real_api_server(world, pace)
        configuration = world.configuration()
    took = time.monotonic() - began
    print(f"took {took:.0f} s", file=sys.stderr)
    return Outcome(rows, _text(machine, pace, rows, runs, configuration))


def _repeats(pace: workloads.Pace, runs: Runs) -> str:
    fewest = min((len(windows) for (_, way), windows in runs.windows.items() if way == "ours"), default=pace.repeats)
    return f"{pace.repeats}" if fewest == pace.repeats else f"{fewest} to {pace.repeats}"


def _text(machine: Machine, pace: workloads.Pace, rows: list[Row], runs: Runs, configuration: list[str]) -> list[str]:
    others = [name for name in COLUMNS if any(name in row.others for row in rows)]
    better = where_better(rows, PEERS)
    return [
        "Roadstead: the tunnel's data path beside others", "",
        *machine.lines(),
        f"pace    {_repeats(pace, runs)} interleaved repeats of {pace.seconds:g} s (some windows are twice that), after {pace.warmup:g} s "
        "of the same load", "",
        *(["Where a peer is better", *(f"  {line}" for line in better or ["nowhere"]), ""] if set(PEERS) & set(others) else []),
        *table(rows, others), "", verdict(rows), "",
        "Cells of others: median [min max] xRATIO, where the ratio is ours to theirs, and which variant of a peer: the best one for",
        "that figure. Processor time is the kernel's count for whole processes. A difference (added, change) is taken within each",
        "repeat.", "",
        *(["What broke", *(f"  {line}" for line in runs.broken), ""] if runs.broken else []),
        "Configuration", *configuration, "",
        "All windows", *runs.lines(),
    ]


def result_file(folder: Path) -> Path:
    machine = Machine.here()
    return folder / f"tunnel-{machine.when[:10]}-{machine.commit}.txt"
