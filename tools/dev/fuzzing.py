# SPDX-License-Identifier: Apache-2.0
"""./dev fuzz: libFuzzer targets for a bounded time, two at a time."""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from dev import build, setup, shell, unit
from dev.outcome import Outcome, print_last_lines
from dev.paths import ROOT, build_dir

PARALLEL = 2
SMOKE_SECONDS = 30


def targets() -> list[str]:
    path = build_dir("fuzz") / "fuzz-targets.txt"
    return [name.removesuffix("_fuzz") for name in path.read_text().split()] if path.exists() else []


def run(names: list[str], seconds: int) -> Outcome:
    with ThreadPoolExecutor(PARALLEL) as pool:
        return sum(pool.map(lambda name: run_one(name, seconds), names), Outcome())


def run_one(name: str, seconds: int) -> Outcome:
    """New inputs stay under build/; the seeds of fuzz/corpus/NAME are only read."""
    work = build_dir("fuzz")
    found, artifacts = work / "corpus" / name, work / "artifacts" / name
    for folder in (found, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    seeds, words = ROOT / "fuzz" / "corpus" / name, ROOT / "fuzz" / f"{name}.dict"
    command = [str(work / "fuzz" / f"{name}_fuzz"), str(found), *([str(seeds)] if seeds.is_dir() else []),
               f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={artifacts}/", *([f"-dict={words}"] if words.exists() else [])]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        env={**os.environ, **unit.SANITIZER_OPTIONS},
    )
    log = artifacts.parent / f"{name}.log"
    log.write_bytes(done.stdout)
    text = done.stdout.decode(errors="replace")
    runs = next((line.split(":")[1].strip() for line in text.splitlines() if "number_of_executed_units" in line), "?")
    ok = done.returncode == 0
    shell.say(f"  {'ok' if ok else 'FAILED':6} fuzz {name}  {runs} runs  {time.monotonic() - began:.0f} s")
    if not ok:
        shell.say("\n".join("    " + line for line in text.splitlines()[-60:]))
        shell.say(f"    inputs: {artifacts}")
    return Outcome.of(f"fuzz {name}", ok)


def command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="Runs fuzz targets (all when none is named).")
    parser.add_argument("--seconds", type=int, default=SMOKE_SECONDS, help="for each target")
    parser.add_argument("target", nargs="*")
    args = parser.parse_args(arguments)
    if not any((ROOT / "fuzz").glob("*/CMakeLists.txt")):
        raise shell.Failure("fuzz/ is not there yet", 2)
    setup.ensure()
    build.build("fuzz", ["fuzzers"] if not args.target else [f"{name}_fuzz" for name in args.target])
    return print_last_lines(run(args.target or targets(), args.seconds))
