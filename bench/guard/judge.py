# SPDX-License-Identifier: Apache-2.0
"""Whether counts are what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guard.expected import TOLERANCE, Expected, Kept

UPDATE = "./dev bench guard --update"


@dataclass(frozen=True)
class Counted:
    """What one path gave: a count of instructions for each unit, or why there is none."""

    unit: str
    instructions: float | None
    error: str = ""


@dataclass(frozen=True)
class Verdict:
    name: str
    ok: bool
    text: str
    instructions: float | None = None


def judge(expected: Expected, counted: Mapping[str, Counted], tools: Mapping[str, str]) -> list[Verdict]:
    """One verdict for each path that is known on either side."""
    names = [*counted, *(name for name in expected.paths if name not in counted)]
    return [_judge(name, expected, counted.get(name), differing(expected, tools)) for name in names]


def differing(expected: Expected, tools: Mapping[str, str]) -> str:
    """How this machine differs from the one of the kept counts, "" when it does not."""
    names = list(dict.fromkeys((*expected.tools, *tools)))
    return "; ".join(
        f"{name} {tools.get(name, 'none')} here, {expected.tools.get(name, 'none')} there" for name in names
        if tools.get(name) != expected.tools.get(name))


def _judge(name: str, expected: Expected, counted: Counted | None, difference: str) -> Verdict:
    kept = expected.paths.get(name)
    if counted is None:
        return Verdict(name, False, f"is kept but hot-paths has no such path; take it out with {UPDATE}")
    if counted.instructions is None:
        return Verdict(name, False, f"could not be counted: {counted.error}")
    if kept is None:
        return Verdict(
            name, False, f"{_number(counted.instructions)} for each {counted.unit}, but no count is kept; write it with {UPDATE}",
            counted.instructions)
    change = (counted.instructions / kept.instructions - 1) * 100
    shown = (f"{_number(counted.instructions)} instructions for each {counted.unit}, kept {_number(kept.instructions)}: "
             f"{change:+.2f} %, {kept.tolerance:g} allowed")
    if counted.unit != kept.unit:
        return Verdict(name, False, f"{shown}; the unit was {kept.unit}: write it again with {UPDATE}", counted.instructions)
    if abs(change) <= kept.tolerance:
        return Verdict(name, True, shown, counted.instructions)
    why = (f"\n  It may be that, and not the code: {difference}." if difference else "")
    what = (f"\n  Dearer: see with `./dev bench guard --profile {name}` where, here and before the change; docs/dev/hot-paths.md."
            if change > 0 else f"\n  Cheaper: keep it with `{UPDATE}`, so that it cannot be lost unseen.")
    return Verdict(name, False, shown + what + why, counted.instructions)


def updated(expected: Expected, counted: Mapping[str, Counted], tools: Mapping[str, str]) -> Expected:
    """What is kept from now on. Raises when a path could not be counted."""
    paths = {}
    for name, one in counted.items():
        if one.instructions is None:
            raise ValueError(f"{name} could not be counted: {one.error}")
        before = expected.paths.get(name)
        paths[name] = Kept(round(one.instructions), before.tolerance if before else TOLERANCE, one.unit)
    return Expected(dict(tools), paths)


def _number(value: float) -> str:
    return f"{value:,.0f}"
