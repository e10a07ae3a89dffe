# SPDX-License-Identifier: Apache-2.0
"""`./dev bench path`: bulk between hub and Agent over a long path, beside plain TCP over the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import load
from harness.machine import Machine
from harness.report import NOT_HERE, Outcome, Row, Spread, table, verdict
from harness.wire import FAR, NEAR, SOCKET_BYTES, LongPath, NoWire, Wire, inside_own_namespace

from .peers import USUAL
from .runs import COLUMNS, Runs
from .site import Site
from .workloads import BULK, attempt
from .world import World

PATHS = (
    (LongPath(100, 1e9, 0), 0.8),
    (LongPath(100, 1e9, 0.001), 0.7),
)
DOWNLOAD = {"kind": "download", "path": BULK}
# In which a connection finds the path's speed: of that a figure would say more than of the speed.
WARMUP_SECONDS = 4
PLAIN = "plain TCP"


@dataclass(frozen=True)
class Options:
    quick: bool = False
    repeats: int = 0
    seconds: float = 0
    beside: Sequence[str] = USUAL


def run(options: Options) -> Outcome:
    """Runs again in a network namespace of its own first."""
    machine = Machine.here()
    seconds = options.seconds or (3 if options.quick else 8)
    repeats = options.repeats or (1 if options.quick else 5)
    rows: list[Row] = []
    notes: list[str] = []
    runs = Runs()
    try:
        inside_own_namespace()
        for path, aim in PATHS:
            rows += _measure(path, aim, seconds, repeats, options.beside, runs, notes)
    except NoWire as error:
        rows += [Row(_title(path), Spread.of([]), "MB/s", f">= {aim:.0%} of plain TCP: {NOT_HERE}") for path, aim in PATHS]
        notes.append(f"not measured: {error}")
    pace = f"pace    {repeats} interleaved repeats of {seconds:g} s, after {WARMUP_SECONDS} s of the same"
    return Outcome(rows, _text(machine, rows, runs, [pace, *notes]))


def _title(path: LongPath) -> str:
    return f"bulk down, one stream over {path}"


def _measure(
    path: LongPath, aim: float, seconds: float, repeats: int, beside: Sequence[str], runs: Runs, notes: list[str],
) -> list[Row]:
    name = str(path)
    what = {**DOWNLOAD, "warmup": WARMUP_SECONDS, "seconds": seconds}
    print(f"{name} ", end="", file=sys.stderr, flush=True)
    with Wire(path) as wire:
        with World(beside, site=Site(NEAR, FAR, wire.at_far)) as world:
            plain = replace(world.ways["direct"].endpoint, address=world.site.plain)
            going = [way.name for way in world.ways.values() if way.programs]
            for _ in range(repeats):
                runs.add(name, PLAIN, load.measure(world.load, plain, {}, {**what, "kind": "tcp"}))
                going = [way for way in going if attempt(world, runs, name, way, lambda way: load.measure(
                    world.load, way.endpoint, way.pids(), what))]
                print(".", end="", file=sys.stderr, flush=True)
        notes.append(f"{name}: packets there and back: {wire.counts()}")
    print(file=sys.stderr)
    row = runs.row(name, _title(path), "MB/s", lambda w: w.bytes / w.seconds / 1e6, more=True)
    limit = aim * row.others[PLAIN].value.median
    met = row.value.median >= limit
    return [replace(row, aim=f">= {limit:.1f} ({aim:.0%} of plain TCP)", met=met)]


def _text(machine: Machine, rows: list[Row], runs: Runs, notes: list[str]) -> list[str]:
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return [
        "Roadstead: the tunnel over a long path", "", *machine.lines(), *notes, "",
        *table(rows, [name for name in (PLAIN, *COLUMNS) if any(name in row.others for row in rows)]), "", verdict(rows), "",
        "The path is bench/wire: a program that moves IP packets between TUN devices of two network namespaces, each no faster than",
        "the rate and after half of the round trip; of each direction it loses packets at random, and drops what would wait 50 ms.",
        "So a loss is a packet that never comes, and both kernels' TCP answers it. Hub and client are on one side, Agent and origin",
        f"on the other. MTU 1500, congestion control {congestion}, socket buffers up to {SOCKET_BYTES >> 20} MiB. TLS on every hop of the",
        "tunnel; plain TCP is one connection without TLS.", "",
        *(["What broke", *(f"  {line}" for line in runs.broken), ""] if runs.broken else []),
        "All windows", *runs.lines(),
    ]


def result_file(folder: Path) -> Path:
    machine = Machine.here()
    return folder / f"path-{machine.when[:10]}-{machine.commit}.txt"
