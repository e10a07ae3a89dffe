# SPDX-License-Identifier: Apache-2.0
"""./dev lint: the layer check, the tree check, and clang-tidy on request."""

from __future__ import annotations

import argparse
import sys

from dev import build, setup, shell, tidying
from dev.outcome import Outcome
from dev.paths import TOOLS

CHECKERS = ("check_layers.py", "check_tree.py", "check_limits.py", "check_links.py")


def run() -> Outcome:
    outcome = Outcome()
    for checker in CHECKERS:
        ok = shell.status([sys.executable, TOOLS / checker]) == 0
        outcome += Outcome.of(f"lint {checker}", ok)
    return outcome


def command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev lint", description="Checks layers and the tree's rules.")
    parser.add_argument("--tidy", action="store_true", help="also clang-tidy over changed sources (slow)")
    parser.add_argument("--all", action="store_true", help="with --tidy: over all sources")
    args = parser.parse_args(arguments)
    outcome = run()
    if args.tidy:
        setup.ensure()
        build.build(tidying.PRESET)
        chosen = tidying.all_sources() if args.all else tidying.changed_sources()
        outcome += Outcome.of("clang-tidy", tidying.run(chosen))
    for name in outcome.failures:
        shell.say(f"FAILED: {name}")
    return 1 if outcome.failed else 0
