# SPDX-License-Identifier: Apache-2.0
"""Runs pytest suites with the cached Python environment and counts their cases."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from dev import setup, shell
from dev.outcome import Outcome
from dev.paths import BENCH, BUILD, ROOT, TESTS, TOOLS, VENV

NOTHING_COLLECTED = 5


def folders() -> list[Path]:
    """The suites of ./dev test, quick ones first; a folder that is not there yet is no suite."""
    return [p for p in (TOOLS / "tests", BENCH / "tests", TESTS / "testbed" / "tests", TESTS / "conformance" / "tests", TESTS / "differential",
                        TESTS / "e2e") if p.is_dir()]


def run(
    folder: Path, *, preset: str = "debug", text: str | None = None, markers: str = "not soak",
    extra: Sequence[str] = (),
) -> Outcome:
    name = str(folder.relative_to(ROOT))
    report = BUILD / "test-results" / f"{name.replace('/', '-')}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [str(VENV / "bin" / "python"), "-m", "pytest", "-q", "-rN", "-p", "no:cacheprovider", folder,
               f"--junitxml={report}", "-m", markers, *(["-k", text] if text else []), *extra]
    began = time.monotonic()
    code = shell.status(command, env=setup.test_environment(preset))
    outcome = read_report(report)
    if code == NOTHING_COLLECTED:
        return Outcome()
    if code != 0 and not outcome.failed:
        outcome += Outcome(failed=1, failures=[f"{name}: pytest ended with code {code}"])
    shell.say(f"  {name}: {outcome.passed} passed, {outcome.failed} failed  {time.monotonic() - began:.1f} s")
    return outcome


def read_report(report: Path) -> Outcome:
    if not report.exists():
        return Outcome()
    outcome = Outcome()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome += Outcome(failed=1, failures=[name])
        elif skipped is not None:
            outcome += Outcome(skipped=[f"{name}: {skipped.get('message') or 'no reason given'}"])
        else:
            outcome += Outcome(passed=1)
    return outcome
