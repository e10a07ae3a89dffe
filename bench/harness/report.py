# SPDX-License-Identifier: Apache-2.0
"""Rows of a result, as text and as JSON."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOT_HERE = "not measured here"
EQUAL_WITHIN = 0.01


@dataclass(frozen=True)
class Spread:
    """Median and range of the repeats; empty where nothing could be measured."""

    values: tuple[float, ...]

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        return Spread(tuple(values))

    @property
    def median(self) -> float:
        return statistics.median(self.values) if self.values else math.nan

    def json(self) -> float | None:
        return self.median if self.values else None

    def overlaps(self, other: Spread) -> bool:
        return bool(self.values and other.values) and min(self.values) <= max(other.values) and min(other.values) <= max(self.values)

    def __str__(self) -> str:
        if not self.values:
            return "none"
        if len(self.values) == 1:
            return number(self.median)
        return f"{number(self.median)} [{number(min(self.values))} {number(max(self.values))}]"


def number(value: float) -> str:
    """Three digits that count; never rounded to nothing."""
    if math.isnan(value):
        return "none"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


@dataclass(frozen=True)
class Other:
    """The same figure of something else. `note` says which variant of it, or what went wrong."""

    value: Spread
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One figure of ours. `met` is None where there is no aim or it needs a peer that did not run."""

    row: str
    value: Spread
    unit: str
    aim: str = ""
    met: bool | None = None
    others: Mapping[str, Other] = field(default_factory=dict)
    more: bool = False  # whether more is better
    ratios: bool = True  # whether one divided by another says something

    @staticmethod
    def at_most(row: str, value: Spread, unit: str, limit: float, why: str = "") -> Row:
        aim = f"<= {number(limit)}" + (f" ({why})" if why else "")
        return Row(row, value, unit, aim, value.median <= limit)

    @staticmethod
    def none_of(row: str, count: float, others: Mapping[str, Other] | None = None, unit: str = "of all") -> Row:
        """How many of something that must not happen."""
        return Row(row, Spread.of([count]), unit, "0", count == 0, others or {})

    def ratio(self, other: str) -> float | None:
        """Ours divided by the other's."""
        theirs = self.others[other].value.median
        usable = self.ratios and self.value.values and theirs > 0 and self.value.median >= 0
        return self.value.median / theirs if usable else None

    def worse_than(self, other: str) -> bool:
        """By more than a hundredth; less is no difference."""
        ours, theirs = self.value.median, self.others[other].value.median
        lead = theirs - ours if self.more else ours - theirs
        return lead > abs(ours) * EQUAL_WITHIN

    def json(self) -> dict[str, Any]:
        """{row, value, unit, aim, met} and what `of_json` needs to make the row again."""
        return {
            "row": self.row, "value": self.value.json(), "unit": self.unit, "aim": self.aim, "met": self.met,
            "values": self.value.values, "more": self.more, "ratios": self.ratios,
            "others": {name: {"value": o.value.json(), "values": o.value.values, "note": o.note} for name, o in self.others.items()},
        }

    @staticmethod
    def of_json(row: Mapping[str, Any]) -> Row:
        """Everything beyond {row, value, unit, aim, met} may be missing."""
        others = {name: Other(Spread.of(o["values"]), o["note"]) for name, o in row.get("others", {}).items()}
        values = row.get("values", [] if row["value"] is None else [row["value"]])
        return Row(
            row["row"], Spread.of(values), row["unit"], row["aim"], row["met"], others, row.get("more", False),
            row.get("ratios", True))


@dataclass(frozen=True)
class Outcome:
    """What a benchmark gives: figures beside their aims, and the text that is shown and kept."""

    rows: list[Row]
    text: list[str]


def _cell(row: Row, other: str) -> str:
    """Median [range] xRATIO note; the ratio is ours to theirs."""
    if other not in row.others:
        return ""
    ratio, note = row.ratio(other), row.others[other].note
    return " ".join(filter(None, (
        str(row.others[other].value), "" if ratio is None else f"x{number(ratio)}", f"({note})" if note else "")))


def table(rows: Sequence[Row], others: Sequence[str] = ()) -> list[str]:
    """Ours with aim, then a column for each of `others`."""
    met = {True: "yes", False: "NO", None: ""}
    cells = [("row", "ours: median [min max]" if others else "median [min max]", "unit", "aim", "met", *others)]
    cells += [(r.row, str(r.value), r.unit, r.aim, met[r.met], *(_cell(r, other) for other in others)) for r in rows]
    widths = [max(len(c[i]) for c in cells) for i in range(len(cells[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def where_better(rows: Sequence[Row], peers: Sequence[str]) -> list[str]:
    """Where a peer's median is better than ours, for the head of a report; not of changes that are as small as they should be."""
    lines = []
    for row in (r for r in rows if r.ratios or not r.met):
        for peer in (p for p in peers if p in row.others and row.worse_than(p)):
            theirs = row.others[peer].value
            overlap = "; the ranges overlap" if theirs.overlaps(row.value) else ""
            lines.append(f"{row.row}: {peer} {theirs}, ours {row.value} {row.unit}".rstrip() + overlap)
    return lines


def verdict(rows: Sequence[Row]) -> str:
    yes, no = (sum(r.met is kind for r in rows) for kind in (True, False))
    return f"{yes} aims met, {no} not met"


def write_json(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([r.json() for r in rows], indent=1, ensure_ascii=False) + "\n")
