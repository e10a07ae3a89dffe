# SPDX-License-Identifier: Apache-2.0
"""The load generator and origin of bench/load: started, and asked for measurements."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from e2e.support.process import die_with_parent

from . import golang

# A load that runs beside a measurement starts and ends so much before and after it.
LEAD_SECONDS = 0.5
TRAIL_SECONDS = 0.3


class LoadFailed(Exception):
    """The load generator could not do what it was asked."""


def program() -> Path:
    return golang.build("load") / "load"


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
    resumed: int = 0  # handshakes that resumed a session
    meanwhile: Measured | None = None  # what ran beside it

    @property
    def per_second(self) -> float:
        return self.done / self.seconds

    @property
    def cpu_total(self) -> float:
        return sum(self.cpu.values())


def measure(
    binary: Path, endpoint: Endpoint, processes: Mapping[str, int], what: Mapping[str, Any], patience: float = 120,
) -> Measured:
    return Running(binary, endpoint, processes, what).result(patience)


def measure_beside(
    binary: Path, endpoint: Endpoint, processes: Mapping[str, int], what: Mapping[str, Any], beside: Endpoint,
    meanwhile: Mapping[str, Any],
) -> Measured:
    """`what` while `meanwhile` is asked of `beside`; what came of the latter is in the result."""
    length = what["warmup"] + what["seconds"]
    with Running(binary, beside, {}, {**meanwhile, "warmup": 0, "seconds": LEAD_SECONDS + length + TRAIL_SECONDS}) as other:
        time.sleep(LEAD_SECONDS)
        measured = measure(binary, endpoint, processes, what)
        return replace(measured, meanwhile=other.result())


class Running:
    """A measurement under way; as a context, it is ended when it is left."""

    def __init__(self, binary: Path, endpoint: Endpoint, processes: Mapping[str, int], what: Mapping[str, Any]) -> None:
        self.what = what
        self.process = subprocess.Popen(
            [str(binary), "run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({**endpoint.spec(), "processes": dict(processes), **what}))
        self.process.stdin.flush()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def result(self, patience: float = 120) -> Measured:
        try:
            answer, errors = self.process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise LoadFailed(f"{self.what}: load: no result after {patience:.0f} s") from None
        if self.process.returncode != 0:
            raise LoadFailed(f"{self.what}: {errors.strip()}")
        r = json.loads(answer)
        return Measured(
            r["seconds"], r["done"], r["failures"], r.get("first_error", ""), r["bytes"], r["p50"], r["p99"],
            r["cpu"] or {}, r["peak_bytes"] or {}, r["own_cpu"], r["next"], r["resumed"])
