# SPDX-License-Identifier: Apache-2.0
"""A noisy cluster beside a quiet one at the same hub."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import load
from harness.load import Measured
from harness.report import Row, Spread

from .runs import milliseconds
from .site import Way
from .workloads import SMALL, Pace
from .world import World

CLIENTS = 64
QUIET = {"kind": "rate", "path": SMALL, "connections": 4, "rate": 100}
FLOOD = {"kind": "get", "path": SMALL, "connections": CLIENTS}
# Of what the flood through the hub got in the same repeat: leaves the processor time that the quiet one needs.
STEADY_SHARE = 0.6
# So that the p99 of 100 requests/s is not one of its two slowest answers.
SECONDS = 3
TITLE = "quiet cluster at 100 requests/s"


@dataclass
class Seen:
    """Of the quiet one, one window for each repeat, by where the noise goes: to another cluster of the same hub, and for comparison
    past the hub, since client and origin alone already take the processor from the quiet one."""

    alone: list[Measured] = field(default_factory=list)
    flood: dict[str, list[Measured]] = field(default_factory=lambda: {"ours": [], "direct": []})
    steady: dict[str, list[Measured]] = field(default_factory=lambda: {"ours": [], "direct": []})


def rows(world: World, pace: Pace) -> list[Row]:
    seen = _see(world, pace)
    limit = 2 * _p99(seen.alone).median
    measured = [*seen.alone, *seen.flood["ours"], *seen.steady["ours"]]
    return [
        Row(f"{TITLE}, nothing beside it: p99", _p99(seen.alone), "ms"),
        *_beside(f"{CLIENTS} noisy clients at {STEADY_SHARE:.0%} of what the machine gives", seen.steady, limit),
        *_beside(f"{CLIENTS} noisy clients as fast as they can", seen.flood, limit),
        Row.none_of(f"{TITLE}: failures", sum(w.failures for w in measured)),
    ]


def _beside(noise: str, windows: Mapping[str, Sequence[Measured]], limit: float) -> list[Row]:
    return [
        Row.at_most(f"{TITLE}, {noise} at the same hub: p99", _p99(windows["ours"]), "ms", limit, "2 x alone"),
        Row(f"{TITLE}, {noise}, past the hub: p99", _p99(windows["direct"]), "ms"),
        Row(f"{TITLE}, {noise} at the same hub: what they got", _noise(windows["ours"]), "requests/s"),
        Row(f"{TITLE}, {noise}, past the hub: what they got", _noise(windows["direct"]), "requests/s"),
    ]


def _see(world: World, pace: Pace) -> Seen:
    quiet = world.way_to("quiet", world.register("quiet", world.site.origin_kubeconfig()))
    what = {**QUIET, "warmup": pace.warmup, "seconds": max(2 * pace.seconds, SECONDS)}
    seen = Seen()

    def add(windows: Mapping[str, list[Measured]], noise: Mapping[str, Any]) -> None:
        for name, found in windows.items():
            noisy: Way = world.ways[name]
            found.append(load.measure_beside(world.load, quiet.endpoint, quiet.pids(), what, noisy.endpoint, noise))

    print("noisy neighbour ", end="", file=sys.stderr, flush=True)
    for _ in range(pace.repeats):
        seen.alone.append(load.measure(world.load, quiet.endpoint, quiet.pids(), what))
        add(seen.flood, FLOOD)
        add(seen.steady, {**FLOOD, "kind": "rate", "rate": STEADY_SHARE * _rate(seen.flood["ours"][-1])})
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return seen


def _p99(windows: Sequence[Measured]) -> Spread:
    return Spread.of(milliseconds("p99")(w) for w in windows)


def _noise(windows: Sequence[Measured]) -> Spread:
    return Spread.of(_rate(w) for w in windows)


def _rate(window: Measured) -> float:
    assert window.meanwhile is not None
    return window.meanwhile.per_second
