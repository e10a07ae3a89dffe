# SPDX-License-Identifier: Apache-2.0
"""A noisy cluster beside a quiet one at the same hub."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness import load
from harness.load import Measured
from harness.report import Row, Spread

from .runs import milliseconds
from .site import Way
from .workloads import SMALL, Pace
from .world import World

QUIET = {"kind": "rate", "path": SMALL, "connections": 4, "rate": 100}
NOISE = {"kind": "get", "path": SMALL, "connections": 64}
TITLE = "quiet cluster at 100 requests/s"


def rows(world: World, pace: Pace) -> list[Row]:
    """The noise goes through the hub to another cluster, and for comparison past the hub: client and origin alone already take
    the processor from the quiet one."""
    quiet = world.way_to("quiet", world.register("quiet", world.site.origin_kubeconfig()))
    what = {**QUIET, "warmup": pace.warmup, "seconds": 2 * pace.seconds}
    alone: list[Measured] = []
    beside: dict[str, list[Measured]] = {"ours": [], "direct": []}
    print("noisy neighbour ", end="", file=sys.stderr, flush=True)
    for _ in range(pace.repeats):
        alone.append(load.measure(world.load, quiet.endpoint, quiet.pids(), what))
        for name, windows in beside.items():
            windows.append(_beside(world, quiet, world.ways[name], what))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    limit = 2 * _p99(alone).median
    return [
        Row(f"{TITLE}, nothing beside it: p99", _p99(alone), "ms"),
        Row.at_most(f"{TITLE}, a noisy one at the same hub: p99", _p99(beside["ours"]), "ms", limit, "2 x alone"),
        Row(f"{TITLE}, the same noise past the hub: p99", _p99(beside["direct"]), "ms"),
        Row(f"{TITLE}: what the noisy one got", Spread.of(_noise(w) for w in beside["ours"]), "requests/s"),
        Row(f"{TITLE}: what the noise past the hub got", Spread.of(_noise(w) for w in beside["direct"]), "requests/s"),
        Row.none_of(f"{TITLE}: failures", sum(w.failures for w in (*alone, *beside["ours"]))),
    ]


def _beside(world: World, quiet: Way, noisy: Way, what: dict[str, object]) -> Measured:
    return load.measure_beside(world.load, quiet.endpoint, quiet.pids(), what, noisy.endpoint, NOISE)


def _p99(windows: Sequence[Measured]) -> Spread:
    return Spread.of(milliseconds("p99")(w) for w in windows)


def _noise(window: Measured) -> float:
    assert window.meanwhile is not None
    return window.meanwhile.per_second
