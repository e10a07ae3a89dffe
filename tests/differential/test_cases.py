# SPDX-License-Identifier: Apache-2.0
"""Each story of `cases/` on a real API server and on the hub: the same answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from .difference import differences
from .side import Side
from .story import Case, Memory, clear, load, tell

STORIES = sorted((Path(__file__).resolve().parent / "cases").glob("*.yaml"))
LEAST = 400


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_the_same_requests_have_the_same_answers(judge: Side, hub: Side, story: Path) -> None:
    for side in (judge, hub):
        clear(side)
    real, ours = Memory(judge), Memory(hub)
    cases, different = load(story), []
    try:
        for case in cases:
            expected, actual = tell(case, real), tell(case, ours)
            assert not case.save or expected["status"] < 300, f"{case.name}: what is saved was not made: {expected}"
            found = differences(expected, actual)
            if found:
                different.append("\n".join([f"  {case.name}: {case.do or case.open or case.watch}", *found]))
    finally:
        for memory in (real, ours):
            for watch in memory.watches.values():
                watch.close()
    assert not different, f"{story.stem}: {len(different)} of {len(cases)} differ\n" + "\n".join(different)


def test_there_are_enough_cases() -> None:
    cases: list[Case] = [case for story in STORIES for case in load(story)]
    assert len(cases) >= LEAST, f"{len(cases)} cases"
