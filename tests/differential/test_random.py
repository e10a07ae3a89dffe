# SPDX-License-Identifier: Apache-2.0
"""Random steps, the same for both servers. ROADSTEAD_DIFFERENTIAL_SEED repeats a run, ..._STEPS makes it longer."""

from __future__ import annotations

import os

from .difference import differences
from .random_steps import Steps
from .side import Side
from .story import Memory, clear, tell

SEED = int(os.environ.get("ROADSTEAD_DIFFERENTIAL_SEED", "20260701"))
STEPS = int(os.environ.get("ROADSTEAD_DIFFERENTIAL_STEPS", "5000"))
MOST_SHOWN = int(os.environ.get("ROADSTEAD_DIFFERENTIAL_SHOWN", "1"))


def test_random_steps_have_the_same_answers(judge: Side, hub: Side) -> None:
    for side in (judge, hub):
        clear(side)
    steps, real, ours, different = Steps(SEED), Memory(judge), Memory(hub), []
    for number in range(1, STEPS + 1):
        case = steps.next()
        found = differences(tell(case, real), tell(case, ours))
        if found:
            different.append("\n".join([f"  step {number}: {case.do}", f"    {case.object or case.body}", *found]))
            if len(different) == MOST_SHOWN:
                break
    assert not different, f"seed {SEED}\n" + "\n".join(different)
