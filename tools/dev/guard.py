# SPDX-License-Identifier: Apache-2.0
"""The stage of ./dev check that counts the hot paths' instructions: `./dev bench guard`, one case for each path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dev import setup, shell
from dev.outcome import Outcome
from dev.paths import BENCH, BUILD, VENV

TARGETS = ("hot-paths",)
NAME = "hot path"


def run() -> Outcome:
    """Needs a release build of TARGETS."""
    report = BUILD / "test-results" / "guard.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    code = shell.status(
        [VENV / "bin" / "python", BENCH / "run.py", "guard", "--json", report], env=setup.test_environment("release"))
    if not report.exists():
        return Outcome(failed=1, failures=[f"{NAME}: ./dev bench guard ended with code {code} before it judged anything"])
    return outcome_of(json.loads(report.read_text()))


def outcome_of(rows: Iterable[Mapping[str, Any]]) -> Outcome:
    """A path that is not judged on this machine was skipped; not one row is a failure."""
    outcome = Outcome()
    for row in rows:
        name = f"{NAME} {row['row']}"
        outcome += Outcome(skipped=[f"{name}: {row['aim']}"]) if row["met"] is None else Outcome.of(name, row["met"])
    return outcome if outcome != Outcome() else Outcome.of(f"{NAME}: nothing was counted", False)
