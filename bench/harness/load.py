# SPDX-License-Identifier: Apache-2.0
"""The load generator and origin of bench/load: built once for each content, started, and asked for measurements."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.support.process import die_with_parent
from testbed import locks, toolchain

SOURCES = Path(__file__).resolve().parents[1] / "load"


class LoadFailed(Exception):
    """The load generator could not do what it was asked."""


def cache() -> Path:
    folder = Path(os.environ.get("ROADSTEAD_CACHE") or Path.home() / ".cache" / "roadstead") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def program() -> Path:
    """The binary, built when this content was never built before."""
    go, version = toolchain.go()
    digest = hashlib.sha256(version.encode())
    for path in sorted([*SOURCES.glob("*.go"), SOURCES / "go.mod", SOURCES / "go.sum"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    binary = cache() / f"load-{digest.hexdigest()[:16]}"
    if not binary.exists():
        with locks.held(cache() / "build.lock", lambda text: print(text, file=sys.stderr)):
            print(f"builds the load generator into {binary}", file=sys.stderr)
            fresh = binary.with_suffix(".new")
            subprocess.run(
                [str(go), "build", "-trimpath", "-p", "2", "-o", str(fresh), "."], cwd=SOURCES, check=True,
                env=os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"})
            fresh.rename(binary)
    return binary


@dataclass(frozen=True)
class Endpoint:
    """Where a client connects and what it shows. Files are PEM."""

    address: str
    server_name: str
    roots: Path
    certificate: Path
    key: Path

    def spec(self) -> dict[str, str]:
        return {
            "address": self.address, "server_name": self.server_name, "roots": str(self.roots),
            "certificate": str(self.certificate), "key": str(self.key),
        }


@dataclass(frozen=True)
class Measured:
    """One window. Times in microseconds, processor time in seconds, memory in bytes."""

    seconds: float
    done: int
    failures: int
    first_error: str
    bytes: int
    p50: float
    p99: float
    cpu: Mapping[str, float]
    peak: Mapping[str, int]
    own_cpu: float
    next: int = 0  # no numbered request had this number or a higher one

    @property
    def per_second(self) -> float:
        return self.done / self.seconds

    @property
    def cpu_total(self) -> float:
        return sum(self.cpu.values())


def measure(
    binary: Path, endpoint: Endpoint, processes: Mapping[str, int], what: Mapping[str, Any], patience: float = 120,
) -> Measured:
    spec = {**endpoint.spec(), "processes": dict(processes), **what}
    done = subprocess.run(
        [str(binary), "run"], input=json.dumps(spec), capture_output=True, text=True, timeout=patience, check=False,
        preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise LoadFailed(f"{what}: {done.stderr.strip()}")
    r = json.loads(done.stdout)
    return Measured(
        r["seconds"], r["done"], r["failures"], r.get("first_error", ""), r["bytes"], r["p50"], r["p99"],
        r["cpu"] or {}, r["peak_bytes"] or {}, r["own_cpu"], r["next"])
