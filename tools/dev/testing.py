# SPDX-License-Identifier: Apache-2.0
"""./dev test and ./dev e2e, ./dev soak."""

from __future__ import annotations

import argparse

from dev import build, setup, shell, suites, unit
from dev.outcome import Outcome, print_last_lines
from dev.paths import TESTS


def test(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./dev test", description="Builds, then runs unit tests and the end-to-end suites.")
    parser.add_argument("--preset", "-p", choices=build.PRESETS, default="debug")
    parser.add_argument("--unit", action="store_true", help="only the C++ unit tests")
    parser.add_argument("filter", nargs="?", help="only what has this text in its name")
    args = parser.parse_args(arguments)
    setup.ensure(tests=not args.unit)
    build.build(args.preset)
    outcome = unit.run(args.preset, args.filter)
    if not args.unit:
        for folder in suites.folders():
            outcome += suites.run(folder, preset=args.preset, text=args.filter)
    if args.filter and outcome == Outcome():
        raise shell.Failure(f"no test has '{args.filter}' in its name", 2)
    return print_last_lines(outcome)


def end_to_end(arguments: list[str]) -> int:
    return one_suite("./dev e2e", "not soak", "release", arguments)


def soak(arguments: list[str]) -> int:
    return one_suite("./dev soak", "soak", "release", arguments)


def one_suite(name: str, markers: str, preset: str, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=name, description="Runs tests/e2e against the real clusters.")
    parser.add_argument("--preset", "-p", choices=build.PRESETS, default=preset)
    parser.add_argument("filter", nargs="?", help="pytest's -k")
    args, extra = parser.parse_known_args(arguments)
    folder = TESTS / "e2e"
    if not folder.is_dir():
        raise shell.Failure("tests/e2e is not there yet", 2)
    setup.ensure(tests=True)
    build.build(args.preset, ["programs"])
    return print_last_lines(
        suites.run(folder, preset=args.preset, text=args.filter, markers=markers, extra=extra))
