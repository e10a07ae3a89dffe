# SPDX-License-Identifier: Apache-2.0
"""Runs the GoogleTest programs of one preset, two at a time, and counts their cases."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev import shell
from dev.outcome import Outcome
from dev.paths import ROOT, build_dir

PARALLEL = 2
TIMEOUT_SECONDS = 600
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19",
    "TSAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19",
}


def programs(preset: str) -> list[str]:
    """The test programs that CMake declared; what an older tree left behind is not among them."""
    path = build_dir(preset) / "test-targets.txt"
    return path.read_text().split() if path.exists() else []


def run(preset: str, text: str | None = None) -> Outcome:
    """Runs all cases, or those with `text` in the program's name or in Suite.Case."""
    folder = build_dir(preset)
    (folder / "test-results").mkdir(exist_ok=True)
    jobs = []
    for name in programs(preset):
        cases = list_cases(folder / "tests" / name)
        matching = [c for c in cases if text is None or text in name or text.lower() in c.lower()]
        if matching:
            jobs.append((name, None if len(matching) == len(cases) else matching))
    with ThreadPoolExecutor(PARALLEL) as pool:
        return sum(pool.map(lambda job: run_one(preset, *job), jobs), Outcome())


def list_cases(program: Path) -> list[str]:
    done = subprocess.run(
        [program, "--gtest_list_tests"], capture_output=True, text=True, check=False,
        env={**os.environ, **SANITIZER_OPTIONS},
    )
    if done.returncode != 0:
        raise shell.Failure(f"{program} does not start:\n{done.stdout}{done.stderr}")
    cases, suite = [], ""
    for line in done.stdout.splitlines():
        bare = line.split("#")[0].rstrip()
        if bare.endswith(".") and not bare.startswith(" "):
            suite = bare
        elif bare.startswith("  ") and suite:
            cases.append(suite + bare.strip())
    return cases


def run_one(preset: str, name: str, cases: list[str] | None) -> Outcome:
    folder = build_dir(preset)
    report = folder / "test-results" / f"{name}.json"
    log = folder / "test-results" / f"{name}.log"
    report.unlink(missing_ok=True)
    command = [str(folder / "tests" / name), f"--gtest_output=json:{report}", "--gtest_color=no"]
    if cases:
        command.append("--gtest_filter=" + ":".join(cases))
    began = time.monotonic()
    timed_out = False
    with open(log, "w") as sink:
        try:
            code = subprocess.run(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                timeout=TIMEOUT_SECONDS, check=False, env={**os.environ, **SANITIZER_OPTIONS},
            ).returncode
        except subprocess.TimeoutExpired:
            code, timed_out = -1, True
    output = log.read_text(errors="replace")
    outcome = read_report(name, report, output)
    if code != 0 and not outcome.failed:
        # A crash, a sanitizer's report at exit, or a hang: the cases alone would look well.
        what = f"did not end within {TIMEOUT_SECONDS} s" if timed_out else f"ended with code {code}"
        outcome += Outcome(failed=1, failures=[f"{name}: {what} in {last_case(output)}"])
    seconds = time.monotonic() - began
    mark = "FAILED" if outcome.failed else "ok"
    shell.say(f"  {mark:6} {preset}/{name}  {outcome.passed} passed, {outcome.failed} failed  {seconds:.1f} s")
    if outcome.failed:
        shell.say("\n".join("    " + line for line in what_matters(output)[-150:]))
        shell.say(f"    (all of it: {log})")
    return outcome


def read_report(name: str, report: Path, output: str) -> Outcome:
    if not report.exists():
        return Outcome(passed=output.count("\n[       OK ]"))
    outcome = Outcome()
    for suite in json.loads(report.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            full = f"{suite['name']}.{case['name']}"
            if case["status"] != "RUN":
                continue
            if case.get("failures"):
                outcome += Outcome(failed=1, failures=[f"{name}: {full}"])
            elif case.get("result") == "SKIPPED":
                outcome += Outcome(skipped=[f"{name}: {full}: {skip_reason(output, full)}"])
            else:
                outcome += Outcome(passed=1)
    return outcome


def what_matters(output: str) -> list[str]:
    """The log without the cases that passed, so that a failure is not buried under them."""
    lines: list[str] = []
    begun = 0
    for line in output.splitlines():
        if line.startswith("[ RUN      ]"):
            begun = len(lines)
        if line.startswith("[       OK ]"):
            del lines[begun:]
        else:
            lines.append(line)
    return lines


def skip_reason(output: str, case: str) -> str:
    pattern = r"\[ RUN      \] " + re.escape(case) + r"\n(.*?)\[  SKIPPED \]"
    match = re.search(pattern, output, re.DOTALL)
    lines = match[1].strip().splitlines() if match else []
    return " ".join(line for line in lines if not line.endswith(": Skipped")) or "no reason given"


def last_case(output: str) -> str:
    names = re.findall(r"\[ RUN      \] (\S+)", output)
    return names[-1] if names else "start-up"
