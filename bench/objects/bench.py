# SPDX-License-Identifier: Apache-2.0
"""`./dev bench objects`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from harness.machine import Machine
from harness.report import Outcome, Row, table, verdict

from . import figures, many, workloads
from .workloads import FULL, QUICK, Pace, Runs
from .world import World


@dataclass(frozen=True)
class Options:
    quick: bool = False
    repeats: int = 0
    seconds: float = 0
    objects: int = 0
    real: bool = True


def run(options: Options) -> Outcome:
    pace = QUICK if options.quick else FULL
    pace = Pace(
        options.repeats or pace.repeats, pace.warmup, options.seconds or pace.seconds, options.objects or pace.objects)
    machine = Machine.here()
    began = time.monotonic()
    with World(options.real) as world:
        runs = workloads.run(world, pace)
        rows = figures.rows(runs) + many.rows(world, pace)
        configuration = world.configuration()
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
    return Outcome(rows, _text(machine, pace, rows, runs, configuration))


def _text(machine: Machine, pace: Pace, rows: list[Row], runs: Runs, configuration: list[str]) -> list[str]:
    return [
        "Roadstead: the hub's objects beside kube-apiserver with etcd, the same kinds and requests", "",
        *machine.lines(),
        f"pace    {pace.repeats} interleaved repeats of {pace.seconds:g} s, each after {pace.warmup:g} s of the same load", "",
        *table(rows), "", verdict(rows), "",
        "Processor time is the kernel's count for whole processes: the hub against kube-apiserver and etcd together.",
        "At the hub a controller writes a status of eight conditions to each new Cluster, so its objects are larger and each "
        "create is followed by a second write; the API server has no controller. Memory of the Go programs is what their "
        "collector leaves.", "",
        "Configuration", *configuration, "",
        "All windows", *runs.lines(),
    ]


def result_file(folder: Path) -> Path:
    machine = Machine.here()
    return folder / f"objects-{machine.when[:10]}-{machine.commit}.txt"
