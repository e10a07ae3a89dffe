# SPDX-License-Identifier: Apache-2.0
"""Counting what passed: the sums behind the last line «N passed, N failed»."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)  # "name: reason"
    failures: list[str] = field(default_factory=list)  # names

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.failures + other.failures,
        )

    @staticmethod
    def of(name: str, ok: bool) -> Outcome:
        return Outcome(passed=1) if ok else Outcome(failed=1, failures=[name])


def print_last_lines(outcome: Outcome) -> int:
    """Prints what was skipped and what failed, then the line that others parse, alone and last."""
    for line in outcome.skipped:
        print(f"skipped: {line}")
    for name in outcome.failures:
        print(f"FAILED: {name}")
    total = f"{outcome.passed} passed, {outcome.failed} failed"
    if outcome.skipped:
        print(f"{len(outcome.skipped)} skipped")
    print(total, flush=True)
    return 1 if outcome.failed or not outcome.passed else 0
