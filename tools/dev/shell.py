# SPDX-License-Identifier: Apache-2.0
"""Running commands so that the reader sees them, and stopping with a clear message."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.paths import ROOT


class Failure(Exception):
    """Ends ./dev with this message and exit code; no stack trace."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text + "\n")  # one write, since several threads speak
    sys.stderr.flush()


def show(command: Sequence[str | Path]) -> None:
    say("+ " + shlex.join(map(str, command)))


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> None:
    """Prints and runs a command; a failure of it ends ./dev with its exit code."""
    code = status(command, cwd=cwd, env=env, quiet=quiet)
    if code != 0:
        raise Failure(f"failed with exit code {code}: {shlex.join(map(str, command))}", code if code > 0 else 1)


def status(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> int:
    """Like run, but hands back the exit code."""
    if not quiet:
        show(command)
    merged = {**os.environ, **env} if env else None
    try:
        return subprocess.run([str(word) for word in command], cwd=cwd, env=merged, check=False).returncode
    except FileNotFoundError as error:
        raise Failure(f"{error.filename}: not found. Run ./dev setup.", 2) from error


def output(command: Sequence[str | Path], *, cwd: Path = ROOT) -> str:
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout
