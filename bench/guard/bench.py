# SPDX-License-Identifier: Apache-2.0
"""`./dev bench guard`: counts, judges, and with --update keeps."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from guard import toolchain
from guard.annotated import Profile
from guard.callgrind import CallgrindError, HotPath, count, list_paths, profile_of, without_debug_information
from guard.expected import Expected
from guard.judge import Counted, judge, updated
from harness.report import Outcome, Row, Spread

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "expected.txt"
RELEASE = HERE.parents[1] / "build" / "release"
PARALLEL = 2


@dataclass(frozen=True)
class Options:
    update: bool = False
    profile: str = ""  # a path whose dearest functions are shown instead


def run(options: Options) -> Outcome:
    began = time.monotonic()
    program = without_debug_information(RELEASE / "bench" / "hot-paths", RELEASE / "guard")
    paths = list_paths(program)
    if options.profile:
        return _profile(program, paths, options.profile)
    with ThreadPoolExecutor(PARALLEL) as pool:
        counted = dict(zip((p.name for p in paths), pool.map(lambda p: _counted(program, p), paths), strict=True))
    expected, tools = Expected.read(EXPECTED), toolchain.here()
    if options.update:
        expected = _keep(expected, counted, tools)
    took = f"{time.monotonic() - began:.0f} s, {os.cpu_count()} cores"
    if expected.tools.get(toolchain.CPU) != tools[toolchain.CPU]:
        return _not_comparable(expected, counted, tools, took)
    verdicts = judge(expected, counted, tools)
    rows = [Row(v.name, Spread.of([] if v.instructions is None else [v.instructions]), "instructions", "as kept", v.ok)
            for v in verdicts]
    lines = [f"{'ok' if v.ok else 'FAILED':6}  {v.name}: {v.text}" for v in verdicts]
    return Outcome(rows, [f"Instructions of the hot paths ({took})", "", *lines])


def _counted(program: Path, path: HotPath) -> Counted:
    try:
        return Counted(path.unit, count(program, path))
    except CallgrindError as error:
        return Counted(path.unit, None, str(error))


def _keep(expected: Expected, counted: dict[str, Counted], tools: dict[str, str]) -> Expected:
    try:
        new = updated(expected, counted, tools)
    except ValueError as error:
        raise SystemExit(f"nothing was written: {error}") from error
    EXPECTED.write_text(new.text())
    for name, kept in new.paths.items():
        before = expected.paths.get(name)
        was = f"was {before.instructions:,.0f} ({(kept.instructions / before.instructions - 1) * 100:+.2f} %)" if before else "new"
        print(f"{name}: {kept.instructions:,.0f} for each {kept.unit}, {was}")
    return new


def _not_comparable(expected: Expected, counted: dict[str, Counted], tools: dict[str, str], took: str) -> Outcome:
    why = f"not judged: kept for {expected.tools.get(toolchain.CPU, 'no machine')}, this is {tools[toolchain.CPU]}"
    # A path that breaks is told everywhere.
    rows = [Row(name, Spread.of([one.instructions] if one.instructions else []), "instructions", why,
                False if one.instructions is None else None) for name, one in counted.items()]
    lines = [f"{name}: {one.error or f'{one.instructions:,.0f} for each {one.unit}'}" for name, one in counted.items()]
    return Outcome(rows, [f"Instructions of the hot paths, {why} ({took})", "", *lines])


def _profile(program: Path, paths: list[HotPath], name: str) -> Outcome:
    path = next((p for p in paths if p.name == name), None)
    if path is None:
        raise SystemExit(f"there is no path '{name}'; there are {', '.join(p.name for p in paths)}")
    count(program, path)
    return Outcome([], Profile.of(profile_of(program, path), path).lines())
