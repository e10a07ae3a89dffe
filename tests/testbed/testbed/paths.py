# SPDX-License-Identifier: Apache-2.0
"""Where the test bed keeps its files. Everything lives outside the source tree."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
GO_MODULES = SOURCE / "go"


def cache_root() -> Path:
    """The folder for everything that can be rebuilt: `~/.cache/roadstead`, or `$ROADSTEAD_CACHE`."""
    override = os.environ.get("ROADSTEAD_CACHE")
    if override:
        return Path(override)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "roadstead"


def testbed_cache() -> Path:
    return cache_root() / "testbed"


def venv() -> Path:
    return cache_root() / "venv"
