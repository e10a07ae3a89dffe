# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of hot-paths under valgrind's callgrind: user code only, one thread, no clock."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

COUNTED = "counted_part"  # the function of bench/guard/main.cc inside which instructions count
TIMEOUT_SECONDS = 300

# Nothing of the caller's environment reaches the program. ERMS: with it memcpy is one instruction that callgrind counts
# once for each byte, and whether a machine has it differs.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-ERMS"}


class CallgrindError(Exception):
    """A count could not be taken; the message says what was seen and what to do."""


@dataclass(frozen=True)
class HotPath:
    name: str
    units: int  # how many are counted
    unit: str


def without_debug_information(program: Path, folder: Path) -> Path:
    """A copy with names of functions only: valgrind 3.19 ends itself upon clang's DWARF 5."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / program.name
    _run(["llvm-strip-19", "--strip-debug", "-o", str(copy), str(program)])
    return copy


def list_paths(program: Path) -> list[HotPath]:
    lines = [line.split(" ", 2) for line in _run([str(program)]).splitlines()]
    try:
        return [HotPath(name, int(units), unit) for name, units, unit in lines]
    except ValueError as error:
        raise CallgrindError(f"{program} lists its paths in words that are not understood: {error}") from error


def profile_of(program: Path, path: HotPath) -> Path:
    return program.parent / f"{path.name}.callgrind"


def count(program: Path, path: HotPath) -> float:
    """Instructions of one unit; the profile is left beside the program."""
    profile = profile_of(program, path)
    profile.unlink(missing_ok=True)
    _run(["valgrind", "--tool=callgrind", "--collect-jumps=no", "--instr-atstart=no", f"--toggle-collect={COUNTED}",
          f"--callgrind-out-file={profile}", str(program), path.name, str(path.units)])
    if not profile.exists():
        raise CallgrindError(f"{path.name}: valgrind ended without writing {profile}")
    try:
        return total_of(profile.read_text()) / path.units
    except CallgrindError as error:
        raise CallgrindError(f"{path.name}: {error} (in {profile})") from error


def total_of(text: str) -> int:
    """The sum of a callgrind file that has one kind of event, instructions ("Ir")."""
    header = {key: value.strip() for key, colon, value in (line.partition(":") for line in text.splitlines()) if colon}
    if not text.startswith("# callgrind format"):
        raise CallgrindError(f"this is no callgrind output; it begins with {text[:40]!r}")
    if header.get("events") != "Ir":
        raise CallgrindError(f"events are {header.get('events')!r} and not 'Ir'")
    total = header.get("totals")
    if total is None:
        raise CallgrindError("the line 'totals:' is missing, so the output was cut short")
    if not total.isdecimal():
        raise CallgrindError(f"totals are {total!r}, which is no number")
    if int(total) == 0:
        raise CallgrindError(f"nothing was counted: the program has no function {COUNTED}, or it was not called")
    return int(total)


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, env=ENVIRONMENT, capture_output=True, text=True, errors="replace", check=False, timeout=TIMEOUT_SECONDS)
    except FileNotFoundError as error:
        raise CallgrindError(f"{error.filename}: not found. Run ./dev setup, and ./dev build --preset release hot-paths.") from error
    except subprocess.TimeoutExpired as error:
        raise CallgrindError(f"{' '.join(command)} has not ended after {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise CallgrindError(
            f"{' '.join(command)} ended with code {done.returncode}:\n" + "\n".join(done.stderr.splitlines()[-12:]))
    return done.stdout
