# SPDX-License-Identifier: Apache-2.0
"""What ./dev check makes of the hot paths' verdicts."""

from __future__ import annotations

from dev.guard import outcome_of
from dev.outcome import Outcome


def test_each_path_is_a_case() -> None:
    rows = [{"row": "get", "met": True, "aim": ""}, {"row": "put", "met": False, "aim": ""}]
    assert outcome_of(rows) == Outcome(passed=1, failed=1, failures=["hot path put"])


def test_what_cannot_be_judged_here_is_skipped_with_the_reason() -> None:
    assert outcome_of([{"row": "get", "met": None, "aim": "another CPU"}]) == Outcome(skipped=["hot path get: another CPU"])


def test_no_row_is_a_failure() -> None:
    assert outcome_of([]).failed == 1
