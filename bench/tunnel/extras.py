# SPDX-License-Identifier: Apache-2.0
"""Rows that are no windows of load on each way."""

from __future__ import annotations

import sys

from harness.report import Row

from . import cancels, neighbours, rolling
from .workloads import Pace
from .world import World


def rows(world: World, pace: Pace, abandoned: int) -> list[Row]:
    return [*neighbours.rows(world, pace), *rolling.rows(world, pace), *cancels.rows(world, abandoned)]


def real_api_server(world: World, pace: Pace) -> list[Row]:
    """A real kube-apiserver in place of the origin: what its own cost leaves of ours."""
    from .kubernetes import RealCluster

    print("real API server ", end="", file=sys.stderr, flush=True)
    with RealCluster(world) as cluster:
        rows = cluster.rows(pace)
    print(file=sys.stderr)
    return rows
