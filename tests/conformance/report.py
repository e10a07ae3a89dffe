# SPDX-License-Identifier: Apache-2.0
"""Both results of every spec, and what they mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from conformance.specs import Spec


@dataclass
class Outcome:
    """One spec on one side."""

    side: str
    family: str
    text: str
    state: str
    seconds: float = 0.0
    attempts: int = 1
    requests: int = 0  # the hub's own count while it ran
    around: int = 0  # requests of the direct administrator while it ran through the hub
    message: str = ""


class Record:
    """Outcomes in a file, one line each, so that an interrupted run goes on where it was. Thread-safe."""

    def __init__(self, path: Path, *, keep: bool) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Outcome] = {}
        names = {field.name for field in fields(Outcome)}
        if keep and path.exists():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                if set(entry) <= names:
                    self._remember(Outcome(**entry))
        else:
            path.unlink(missing_ok=True)

    def _remember(self, outcome: Outcome) -> None:
        self._found[outcome.side, outcome.text] = outcome

    def add(self, outcome: Outcome) -> None:
        with self._lock, self._path.open("a") as sink:
            sink.write(json.dumps(vars(outcome)) + "\n")
            self._remember(outcome)

    def get(self, side: str, spec: Spec) -> Outcome | None:
        return self._found.get((side, spec.text))


@dataclass(frozen=True)
class Row:
    spec: Spec
    direct: Outcome | None
    hub: Outcome | None

    @property
    def verdict(self) -> str:
        """"" when the spec passes both ways and the hub proves that it carried it."""
        if self.direct is None or self.direct.state != "passed":
            return f"directly: {_state(self.direct)}"
        if self.hub is None or self.hub.state != "passed":
            return f"through the hub: {_state(self.hub)}"
        if self.hub.requests == 0:
            return "the hub counted no request"
        if self.hub.around:
            return f"{self.hub.around} requests went around the hub"
        return ""


def _state(outcome: Outcome | None) -> str:
    return "not run" if outcome is None else outcome.state


def rows(specs: Iterable[Spec], record: Record) -> list[Row]:
    return [Row(spec, record.get("direct", spec), record.get("hub", spec)) for spec in specs]


def write(path: Path, table: list[Row]) -> None:
    """Markdown."""
    out = ["# Kubernetes end-to-end specs, directly and through the hub", ""]
    families = list(dict.fromkeys(row.spec.family for row in table))
    out += ["| family | specs | directly | through the hub | requests at the hub |", "|---|---|---|---|---|"]
    for family in families:
        own = [row for row in table if row.spec.family == family]
        out.append(f"| {family} | {len(own)} | {_passed(row.direct for row in own)} | {_passed(row.hub for row in own)} | "
                   f"{sum(row.hub.requests for row in own if row.hub)} |")
    for family in families:
        out += ["", f"## {family}", "", "| spec | directly | through the hub | requests at the hub | |", "|---|---|---|---|---|"]
        for row in table:
            if row.spec.family == family:
                requests = row.hub.requests if row.hub else 0
                out.append(f"| {row.spec.text} | {_cell(row.direct)} | {_cell(row.hub)} | {requests} | {row.verdict} |")
    path.write_text("\n".join(out) + "\n")


def _passed(outcomes: Iterable[Outcome | None]) -> int:
    return sum(1 for outcome in outcomes if outcome is not None and outcome.state == "passed")


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not run"
    again = f", attempt {outcome.attempts}" if outcome.attempts > 1 else ""
    return f"{outcome.state} ({outcome.seconds:.1f} s{again})"
