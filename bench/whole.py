# SPDX-License-Identifier: Apache-2.0
"""`./dev bench all`: every benchmark, and one table of their rows.

A benchmark takes part by being in PARTS: it is run as `bench/run.py NAME [--quick] --json FILE --output FILE`, and its rows are
{row, value, unit, aim, met} with whatever else Row.json writes.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.support.process import die_with_parent
from harness import golang
from harness.machine import Machine
from harness.report import Outcome, Row, verdict, where_better
from sections import read_reasons, why_not_met, with_headings
from tunnel.path import PLAIN
from tunnel.runs import COLUMNS, PEERS

RUN = Path(__file__).resolve().parent / "run.py"


@dataclass(frozen=True)
class Part:
    """`flags` and `minutes` for a whole run, and for a quick one."""

    name: str
    flags: tuple[Sequence[str], Sequence[str]]
    minutes: tuple[float, float]
    needs: str = ""  # a file of bench/ without which the part is not there yet


PARTS = (
    Part("tunnel", (
        ("--beside", "all", "--seconds", "0.6", "--minutes", "12", "--cancels", "1000000"),
        ("--beside", "all", "--repeats", "1", "--minutes", "2")), (27, 8)),
    Part("path", (("--repeats", "3", "--seconds", "4"), ()), (8, 3)),
    Part("fleet", ((), ()), (9, 3), "fleet/bench.py"),
)


def run(quick: bool, cancels: int = 0) -> Outcome:
    """`cancels`: how many requests are given up, if not as many as the part says."""
    machine = Machine.here()
    rows: list[Row] = []
    texts: list[str] = []
    missing: list[str] = []
    for part in PARTS:
        began = time.monotonic()
        print(f"== {part.name}, at most {part.minutes[quick]:g} minutes", file=sys.stderr, flush=True)
        why = _run(part, quick, ["--cancels", str(cancels)] if cancels else [], rows, texts)
        print(f"== {part.name}: {why or 'ok'} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        if why:
            missing.append(f"{part.name}: {why}")
    return Outcome(rows, _text(machine, rows, texts, missing))


def _run(part: Part, quick: bool, more: Sequence[str], rows: list[Row], texts: list[str]) -> str:
    """What is in the way of its rows, if something is."""
    if part.needs and not (RUN.parent / part.needs).exists():
        return f"not there yet (bench/{part.needs} is missing)"
    files = {kind: golang.cache() / f"{part.name}.{kind}" for kind in ("json", "txt")}
    for file in files.values():
        file.unlink(missing_ok=True)
    command = [
        sys.executable, str(RUN), part.name, *(["--quick"] if quick else []), *part.flags[quick], *more, "--json", str(files["json"]),
        "--output", str(files["txt"])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        code = process.wait(part.minutes[quick] * 60)
    except subprocess.TimeoutExpired:
        return f"not ended after {part.minutes[quick]:g} minutes; run ./dev bench {part.name} by itself to see how far it comes"
    finally:
        _end(process)
    if code != 0:
        return f"ended with code {code}; run ./dev bench {part.name} by itself to see why"
    rows += [Row.of_json(row) for row in json.loads(files["json"].read_text())]
    texts += ["", "=" * 100, files["txt"].read_text().rstrip()]
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """With an interrupt first, upon which it ends its programs and removes its folder."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                continue


def _text(machine: Machine, rows: list[Row], texts: list[str], missing: list[str]) -> list[str]:
    others = [name for name in (*COLUMNS, PLAIN) if any(name in row.others for row in rows)]
    not_met = [f"  {row.row}: {row.value} {row.unit}, {row.aim}" for row in rows if row.met is False]
    return [
        "Roadstead beside its peers: all rows", "", *machine.lines(), "",
        "Where a peer is better", *(f"  {line}" for line in where_better(rows, PEERS) or ["nowhere"]), "",
        "Aims not met", *(not_met or ["  none"]), "",
        *(["Not measured", *(f"  {line}" for line in missing), ""] if missing else []),
        *with_headings(rows, others), "", verdict(rows), "",
        "Why, for each aim that is not met", *(f"  {line}" for line in why_not_met(rows, read_reasons()) or ["none"]), "",
        "Each part with its configuration and all windows follows.", *texts,
    ]


def result_file(folder: Path) -> Path:
    machine = Machine.here()
    return folder / f"all-{machine.when[:10]}-{machine.commit}.txt"
