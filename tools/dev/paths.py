# SPDX-License-Identifier: Apache-2.0
"""Where things are: the tree, its build folders, and the cache outside it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
TOOLS = ROOT / "tools"
TESTS = ROOT / "tests"
BENCH = ROOT / "bench"
CACHE = Path(
    os.environ.get("ROADSTEAD_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roadstead"
)
VENV = CACHE / "venv"


def build_dir(preset: str) -> Path:
    return BUILD / preset
