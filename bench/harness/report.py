# SPDX-License-Identifier: Apache-2.0
"""Rows of a result, as text and as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_HERE = "not measured here"


@dataclass(frozen=True)
class Spread:
    """Median and range of the repeats."""

    values: tuple[float, ...]

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        return Spread(tuple(values))

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        if len(self.values) == 1:
            return number(self.median)
        return f"{number(self.median)} [{number(min(self.values))} {number(max(self.values))}]"


def number(value: float) -> str:
    """Three digits that count; never rounded to nothing."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


@dataclass(frozen=True)
class Row:
    """One figure. `met` is None where there is no aim or it needs a peer that did not run."""

    row: str
    value: Spread
    unit: str
    aim: str = ""
    met: bool | None = None

    @staticmethod
    def at_most(row: str, value: Spread, unit: str, limit: float, why: str = "") -> Row:
        aim = f"<= {number(limit)}" + (f" ({why})" if why else "")
        return Row(row, value, unit, aim, value.median <= limit)

    def json(self) -> dict[str, object]:
        return {"row": self.row, "value": self.value.median, "unit": self.unit, "aim": self.aim, "met": self.met}


def table(rows: Sequence[Row]) -> list[str]:
    met = {True: "yes", False: "NO", None: ""}
    cells = [("row", "median [min max]", "unit", "aim", "met")]
    cells += [(r.row, str(r.value), r.unit, r.aim, met[r.met]) for r in rows]
    widths = [max(len(c[i]) for c in cells) for i in range(5)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def verdict(rows: Sequence[Row]) -> str:
    yes, no = (sum(r.met is kind for r in rows) for kind in (True, False))
    return f"{yes} aims met, {no} not met"


def write_json(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([r.json() for r in rows], indent=1, ensure_ascii=False) + "\n")
