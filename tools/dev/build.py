# SPDX-License-Identifier: Apache-2.0
"""./dev build: CMake and ninja behind a lock per build folder."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
from collections.abc import Iterator, Sequence

from dev import setup, shell
from dev.paths import BUILD, ROOT, build_dir

PRESETS = ("debug", "release", "asan", "tsan", "fuzz", "coverage")
JOBS = "2"


@contextlib.contextmanager
def locked(preset: str) -> Iterator[None]:
    """One build at a time per build folder; several people and tools share a machine."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / f".{preset}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            shell.say(f"waiting for another build of {preset}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def configured(preset: str) -> bool:
    ninja_file = build_dir(preset) / "build.ninja"
    presets = ROOT / "CMakePresets.json"
    return ninja_file.exists() and ninja_file.stat().st_mtime >= presets.stat().st_mtime


def build(preset: str, targets: Sequence[str] = ()) -> None:
    with locked(preset):
        if not configured(preset):
            shell.run(["cmake", "--preset", preset], env={"NINJA_STATUS": ""})
            # CMake rewrites the ninja file only when it differs; the time stamp says that it was looked at.
            (build_dir(preset) / "build.ninja").touch()
        shell.run(["ninja", "-C", build_dir(preset), f"-j{JOBS}", *targets])


def command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev build", description="Builds targets (all when none is named).")
    parser.add_argument("--preset", "-p", choices=PRESETS, default="debug")
    parser.add_argument("target", nargs="*", help="ninja targets, such as io_test or roadstead-agent")
    args = parser.parse_args(arguments)
    setup.ensure()
    build(args.preset, args.target)
    return 0
