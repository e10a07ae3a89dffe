# SPDX-License-Identifier: Apache-2.0
"""Go programs of bench/, built into the cache once for each content."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from testbed import locks, toolchain

BENCH = Path(__file__).resolve().parents[1]


class NotBuilt(Exception):
    """A Go program of bench/ could not be built."""


def cache() -> Path:
    folder = Path(os.environ.get("ROADSTEAD_CACHE") or Path.home() / ".cache" / "roadstead") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digest(sources: Path, go_version: str) -> str:
    digest = hashlib.sha256(go_version.encode())
    for path in sorted([*sources.rglob("*.go"), sources / "go.mod", sources / "go.sum"]):
        digest.update(str(path.relative_to(sources)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def build(module: str, packages: Sequence[str] = (".",)) -> Path:
    """Folder with the binaries of the module bench/MODULE, each named after the last element of its package's path."""
    sources = BENCH / module
    go, version = toolchain.go()
    made = cache() / f"{module}.{_digest(sources, version)}"
    if made.exists():
        return made
    with locks.held(cache() / "build.lock", lambda text: print(text, file=sys.stderr)):
        print(f"builds bench/{module} into {made}", file=sys.stderr)
        fresh = made.with_name(made.name + ".new")
        done = subprocess.run(
            [str(go), "build", "-trimpath", "-p", "2", "-o", f"{fresh}/", *packages], cwd=sources, check=False,
            env=os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"})
        if done.returncode != 0:
            raise NotBuilt(f"go build of bench/{module} failed; its modules come from the Go module proxy, see what it printed above")
        if made.exists():  # somebody else held the lock before
            return made
        fresh.rename(made)
    return made
