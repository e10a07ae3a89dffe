# SPDX-License-Identifier: Apache-2.0
"""./dev check: everything that continuous integration runs, stage by stage, with the time each took."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from dev import build, formatting, fuzzing, guard, linting, setup, shell, suites, unit
from dev.outcome import Outcome, print_last_lines
from dev.paths import ROOT

# All fuzz targets together get about this long, however many there are.
FUZZ_BUDGET_SECONDS = 240


class Stages:
    """Runs stages one after another; a failed one does not hide what the next would say."""

    def __init__(self) -> None:
        self.total = Outcome()
        self.times: list[tuple[str, float, bool]] = []

    def run(self, name: str, stage: Callable[[], Outcome]) -> bool:
        shell.say(f"\n== {name}")
        began = time.monotonic()
        try:
            outcome = stage()
        except shell.Failure as failure:
            shell.say(f"dev: {failure}")
            outcome = Outcome(failed=1, failures=[name])
        seconds = time.monotonic() - began
        self.total += outcome
        self.times.append((name, seconds, not outcome.failed))
        shell.say(f"== {name}: {'FAILED' if outcome.failed else 'ok'} in {seconds:.0f} s")
        return not outcome.failed

    def print_times(self) -> None:
        shell.say("")
        for name, seconds, ok in self.times:
            shell.say(f"{seconds:7.0f} s  {'ok' if ok else 'FAILED':6}  {name}")
        shell.say(f"{sum(seconds for _, seconds, _ in self.times):7.0f} s  in all")


def done(action: Callable[[], object]) -> Callable[[], Outcome]:
    """A stage that either ends or raises, such as a build; it counts no cases."""

    def stage() -> Outcome:
        action()
        return Outcome()

    return stage


def fuzz_smoke() -> Outcome:
    names = fuzzing.targets()
    if not names:
        return Outcome()
    share = FUZZ_BUDGET_SECONDS * fuzzing.PARALLEL // len(names)
    return fuzzing.run(names, max(5, min(fuzzing.SMOKE_SECONDS, share)))


def command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev check", description="What continuous integration runs.")
    parser.parse_args(arguments)
    stages = Stages()
    if not stages.run("setup", done(lambda: setup.ensure(tests=True))):
        return print_last_lines(stages.total)
    stages.run("format", lambda: Outcome.of("format", formatting.check()))
    stages.run("lint", linting.run)
    # No stage for the debug preset: these are the same unit tests, and their judges see more.
    for preset in ("asan", "tsan"):
        if stages.run(f"build {preset}", done(lambda: build.build(preset, ["test_programs"]))):
            stages.run(f"unit tests under {preset}", lambda: unit.run(preset))
    if any((ROOT / "fuzz").glob("*/CMakeLists.txt")) and stages.run(
        "build fuzz targets", done(lambda: build.build("fuzz", ["fuzzers"]))
    ):
        stages.run("fuzz smoke", fuzz_smoke)
    # End-to-end tests judge the programs that ship: optimised. Benchmarks shall at least build.
    if stages.run("build release", done(lambda: build.build("release", ["programs", "benchmarks"]))):
        for folder in suites.folders():
            stages.run(f"suite {folder.relative_to(ROOT)}", lambda: suites.run(folder, preset="release"))
        stages.run("instructions of the hot paths", guard.run)
    stages.print_times()
    return print_last_lines(stages.total)
