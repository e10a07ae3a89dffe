# SPDX-License-Identifier: Apache-2.0
"""The table of aims: its sections in their order, which rows belong to which, and why an aim is not met (reasons.toml)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.report import Row, table

REASONS = Path(__file__).resolve().parent / "reasons.toml"
NO_REASON = f"no reason is written yet in bench/{REASONS.name}"


@dataclass(frozen=True)
class Section:
    """`rows` is what the titles of its rows begin with."""

    title: str
    rows: re.Pattern[str]

    @staticmethod
    def of(title: str, rows: str) -> Section:
        return Section(title, re.compile(rows))


SECTIONS = (
    Section.of("Small GET, 1, 16 and 64 clients", "small GET"),
    Section.of("Fixed 500 requests/s", "500 requests/s"),
    Section.of("New TLS connection with client certificate for each request; with resumption", "new connection with|the same with resumption"),
    Section.of("Bulk, one and eight streams", r"bulk (down|up), \w+ streams?(:|$)"),
    Section.of("100 ms path, 1 Gbit/s, with and without loss", "bulk down, one stream over"),
    Section.of("LIST of 50 MiB, 8 at once", "8 lists of 50 MiB"),
    Section.of("200 watches", "200 watches"),
    Section.of("Stalled reader", "stalled reader"),
    Section.of("Noisy cluster beside a quiet one", "quiet cluster"),
    Section.of("Keystroke echo beside 100 bulk streams", "keystroke echo"),
    Section.of("Idle", "idle"),
    Section.of("Restart of the hub", "hub (killed|ended|restarts)"),
    Section.of("Aborts at random moments", r"[\d,]+ aborts"),
    Section.of("Rolling restart under load", "rolling restart|restart of the hub"),
    Section.of("100 stalled readers", "100 stalled readers"),
)
OTHER = Section.of("Beside the table of aims", "")


def sorted_by_section(rows: Sequence[Row]) -> list[tuple[Section, list[Row]]]:
    """Every row in the first section that takes it, in the order in which they came."""
    found: dict[str, list[Row]] = {section.title: [] for section in (*SECTIONS, OTHER)}
    for row in rows:
        found[next(s for s in (*SECTIONS, OTHER) if s.rows.match(row.row)).title].append(row)
    return [(section, found[section.title]) for section in (*SECTIONS, OTHER)]


def with_headings(rows: Sequence[Row], others: Sequence[str]) -> list[str]:
    """One table with a heading above each section; a section that has no figure with an aim says so."""
    parts = sorted_by_section(rows)
    head, *lines = table([row for _, part in parts for row in part], others)
    out = [f"  {head}"]
    for section, part in parts:
        aimed = section is OTHER or any(row.aim for row in part)
        if part or not aimed:
            out += ["", section.title if aimed else f"{section.title}: NOT MEASURED"]
        out += [f"  {line}" for line in lines[:len(part)]]
        lines = lines[len(part):]
    return out


def read_reasons() -> dict[str, str]:
    """By a regular expression for the beginning of a row's title."""
    reasons = tomllib.loads(REASONS.read_text())["reason"]
    return {one["row"]: " ".join(one["why"].split()) for one in reasons}


def why_not_met(rows: Sequence[Row], reasons: Mapping[str, str]) -> list[str]:
    """Of each aim that is not met, with its figure. Of several reasons that fit, the one with the longest expression."""
    lines = []
    for row in (row for _, part in sorted_by_section(rows) for row in part if row.met is False):
        fits = sorted((key for key in reasons if re.match(key, row.row)), key=len)
        lines += [f"{row.row}: {row.value} {row.unit}, {row.aim}", f"    {reasons[fits[-1]] if fits else NO_REASON}"]
    return lines
