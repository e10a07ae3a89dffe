# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def binaries() -> Path:
    """The folder of roadstead-hub, roadstead-agent and roadstead."""
    return Path(os.environ.get("ROADSTEAD_BIN") or ROOT / "build" / "debug" / "bin")


def program(name: str) -> Path:
    path = binaries() / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; build it with ./dev build {name}")
    return path
