# SPDX-License-Identifier: Apache-2.0
"""Windows that were measured, and what they say of a way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from harness.load import Measured
from harness.report import NOT_HERE, Other, Row, Spread, number

from .peers import BY_NAME

Figure = Callable[[Measured], float]
# Columns of the report, in this order.
FLOORS = ("haproxy", "envoy")
PEERS = ("konnectivity", "remotedialer")
COLUMNS = ("direct", *FLOORS, *PEERS)
BEST_PEER = "best peer"


def column(way: str) -> str:
    return BY_NAME[way].peer if way in BY_NAME else way


@dataclass(frozen=True)
class Limit:
    """At most (or at least) `factor` times the median of `of`, which is a column or BEST_PEER; or the number itself."""

    factor: float
    of: str = ""
    words: str = ""  # how the factor is spoken

    def against(self, others: Mapping[str, Other], more: bool) -> float | None:
        if not self.of:
            return self.factor
        names = PEERS if self.of == BEST_PEER else (self.of,)
        medians = [others[name].value.median for name in names if name in others]
        if not medians or (self.of == BEST_PEER and len(medians) < len(PEERS)):
            return None
        return self.factor * (max(medians) if more else min(medians))

    def __str__(self) -> str:
        return f"{self.words or number(self.factor)} x {self.of}" if self.of else ""


@dataclass
class Runs:
    """All windows, by workload and way, in the order of the repeats; None for one that broke."""

    windows: dict[tuple[str, str], list[Measured | None]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def of(self, workload: str, way: str) -> list[Measured]:
        return [w for w in self.windows.get((workload, way), []) if w is not None]

    def __contains__(self, workload: str) -> bool:
        return any(name == workload for name, _ in self.windows)

    def ways(self, workload: str) -> list[str]:
        return [way for name, way in self.windows if name == workload]

    def add(self, workload: str, way: str, window: Measured | None, why: str = "") -> None:
        self.windows.setdefault((workload, way), []).append(window)
        if why:
            self.broken.append(f"{workload}, {way}: {why}")

    def spread(self, workload: str, way: str, figure: Figure, base: tuple[str, str | None] | None = None) -> Spread:
        """With a base (workload, way; None: the same way), the difference from it within each repeat."""
        windows = self.windows.get((workload, way), [])
        if base is None:
            return _numbers(figure(w) for w in windows if _useful(w))
        pairs = zip(windows, self.windows.get((base[0], base[1] or way), []), strict=False)
        return _numbers(figure(a) - figure(b) for a, b in pairs if _useful(a) and _useful(b))

    def failures(self, workload: str, way: str) -> int:
        return sum(w.failures for w in self.of(workload, way))

    def row(
        self, workload: str, title: str, unit: str, figure: Figure, *limits: Limit, more: bool = False,
        base: tuple[str, str | None] | None = None,
    ) -> Row:
        """Ours beside all others. Of a peer's variants, the best one for this figure."""
        others: dict[str, Other] = {}
        for way in self.ways(workload):
            spread = self.spread(workload, way, figure, base)
            if way == "ours" or not spread.values or (base is not None and base[1] == way):
                continue
            candidate, best = Other(spread, self._note(workload, way)), others.get(column(way))
            if best is None or _better(candidate, best, more):
                others[column(way)] = candidate
        ours = self.spread(workload, "ours", figure, base)
        ratios = base is None or any(limit.of for limit in limits)
        return Row(title, ours, unit, *_judge(ours, limits, others, more), others, more, ratios)

    def failed(self, workload: str, title: str) -> Row:
        """Of a peer's variants, the one with the fewest failures; one that gave nothing at all comes last."""
        found: dict[str, tuple[tuple[bool, int], Other]] = {}
        for way in self.ways(workload):
            count = self.failures(workload, way)
            stopped = not all(_useful(w) for w in self.windows[workload, way])
            done = sum(w.done for w in self.of(workload, way))
            note = "stopped" if stopped else f"{done:,} good" if count else ""
            other = Other(Spread.of([float(count)]), " ".join(filter(None, (variant_of(way), note))))
            if column(way) not in found or (stopped, count) < found[column(way)][0]:
                found[column(way)] = ((stopped, count), other)
        (stopped, failures), _ = found.pop("ours", ((True, 0), None))
        others = {name: other for name, (_, other) in found.items()}
        row = Row.none_of(f"{title}: failures", float(failures), others)
        return replace(row, met=False, unit="of all, and it stopped") if stopped else row

    def _note(self, workload: str, way: str) -> str:
        failures = self.failures(workload, way)
        return " ".join(filter(None, (variant_of(way), f"{failures} failed" if failures else "")))

    def lines(self) -> list[str]:
        """Every window as it was, for whoever wants to judge the medians."""
        return [
            _line(workload, way, w) for (workload, way), windows in self.windows.items() for w in windows if w is not None
        ]


def _useful(window: Measured | None) -> TypeGuard[Measured]:
    """A window in which nothing came has no cost or delay of anything."""
    return window is not None and (window.done > 0 or window.bytes > 0)


def _numbers(values: Iterable[float]) -> Spread:
    return Spread.of(v for v in values if not math.isnan(v))


def variant_of(way: str) -> str:
    return way.removeprefix(column(way)).lstrip("-")


def _better(candidate: Other, best: Other, more: bool) -> bool:
    """One without failures goes before one with."""
    clean = ["failed" not in other.note for other in (candidate, best)]
    if clean[0] != clean[1]:
        return clean[0]
    a, b = candidate.value.median, best.value.median
    return a > b if more else a < b


def _judge(ours: Spread, limits: Sequence[Limit], others: Mapping[str, Other], more: bool) -> tuple[str, bool | None]:
    """The text of the aim, and whether it is met: None when a limit could not be measured and no other one failed."""
    if not limits:
        return "", None
    sign, parts, met = ">=" if more else "<=", [], []
    for limit in limits:
        against = limit.against(others, more)
        words = f" ({limit})" if limit.of else ""
        parts.append(f"{sign} {number(against)}{words}" if against is not None else f"{sign} {limit}: {NOT_HERE}")
        if against is not None:
            met.append(bool(ours.values) and (ours.median >= against if more else ours.median <= against))
    if not all(met):
        return "; ".join(parts), False
    return "; ".join(parts), True if len(met) == len(limits) else None


def _line(workload: str, way: str, w: Measured) -> str:
    cpu = " ".join(f"{name}={seconds:.4f}s" for name, seconds in w.cpu.items())
    peak = " ".join(f"{name}={size / 2**20:.1f}MiB" for name, size in w.peak.items())
    beside = f" beside it: {w.meanwhile.done} and {w.meanwhile.bytes} bytes in {w.meanwhile.seconds:.3f}s" if w.meanwhile else ""
    error = f" first_error={w.first_error!r}" if w.first_error else ""
    return (
        f"{workload:16} {way:24} {w.seconds:.3f}s done={w.done} failures={w.failures} bytes={w.bytes} "
        f"p50={w.p50:.0f}us p99={w.p99:.0f}us cpu: {cpu} client={w.own_cpu:.4f}s peak: {peak}{beside}{error}")


def processor(w: Measured, programs: Sequence[str] = ()) -> float:
    """Seconds, of some programs or of all; NaN where nothing stands between client and origin."""
    return sum(w.cpu[p] for p in programs or w.cpu) if w.cpu else math.nan


def us_each(*programs: str) -> Figure:
    """Microseconds of processor time for each thing done, of some programs or of all."""
    return lambda w: processor(w, programs) / w.done * 1e6 if w.done else math.nan


def milliseconds(quantile: str) -> Figure:
    return lambda w: float(getattr(w, quantile)) / 1e3 if w.done else math.nan


def joined(groups: Iterable[Iterable[Row]]) -> list[Row]:
    return [row for group in groups for row in group]
