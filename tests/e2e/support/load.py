# SPDX-License-Identifier: Apache-2.0
"""Load by client-go at a fixed rate, and what became of each request."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import tools
from .agents import Site
from .process import die_with_parent


@dataclass
class Outcome:
    requests: list[dict[str, Any]]

    @property
    def reads(self) -> list[dict[str, Any]]:
        return [r for r in self.requests if "write" not in r]

    @property
    def writes(self) -> list[dict[str, Any]]:
        return [r for r in self.requests if "write" in r]

    def failed(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [r for r in requests if "error" in r]

    def slowest(self) -> dict[str, Any]:
        return max(self.requests, key=lambda r: r["ms"])

    def percentile(self, share: float) -> float:
        times = sorted(r["ms"] for r in self.requests)
        return float(times[min(len(times) - 1, int(share * len(times)))])

    def between(self, begin: float, end: float) -> Outcome:
        """The requests that began within these seconds of the load."""
        return Outcome([r for r in self.requests if begin <= r["at"] < end])

    def windows(self, seconds: float) -> list[Outcome]:
        """Cut into pieces of this length, without an incomplete last one."""
        whole = int(max(r["at"] for r in self.requests) / seconds + 0.05)
        return [self.between(n * seconds, (n + 1) * seconds) for n in range(whole)]

    def summary(self) -> str:
        slow = self.slowest()
        return (f"{len(self.reads)} reads ({len(self.failed(self.reads))} failed), {len(self.writes)} writes "
                f"({len(self.failed(self.writes))} failed), p50 {self.percentile(0.5):.1f} ms, p99 {self.percentile(0.99):.1f} ms, "
                f"slowest {slow['ms']:.0f} ms at {slow['at']:.2f} s")


class Load:
    """Runs while the test does something; `finish` waits for the end."""

    def __init__(self, kubeconfig: Path, namespace: str, *, seconds: float, rate: int = 200, write_every: int = 0,
                 prefix: str = "load") -> None:
        self.process = subprocess.Popen(
            [str(tools.binary("tools")), "load", f"--kubeconfig={kubeconfig}", f"--namespace={namespace}",
             f"--rate={rate}", f"--duration={seconds}s", f"--write-every={write_every}", f"--prefix={prefix}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.seconds = seconds
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first == "started\n", f"the load did not start: {first}{self.process.communicate()[1]}"

    def finish(self) -> Outcome:
        out, err = self.process.communicate(timeout=self.seconds + 60)
        assert self.process.returncode == 0, err
        return Outcome([json.loads(line) for line in out.splitlines()])

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def arrivals(site: Site, offset: int, namespace: str) -> Counter[str]:
    """How often the creation of each ConfigMap came to the API server, by the audit log. Answers do not matter."""
    return Counter(
        e["objectRef"].get("name") or (e.get("requestObject") or {}).get("metadata", {}).get("name") or e["auditID"]
        for e in site.cluster.audit_events(offset=offset, verb="create", resource="configmaps", namespace=namespace)
        if str(e.get("userAgent", "")).startswith("load"))


def assert_none_doubled(site: Site, offset: int, namespace: str, outcome: Outcome) -> None:
    seen = arrivals(site, offset, namespace)
    doubled = {name: count for name, count in seen.items() if count > 1}
    assert not doubled, f"writes that reached the API server more than once: {doubled}"
    lost = [w["write"] for w in outcome.writes if "error" not in w and w["write"] not in seen]
    assert not lost, f"writes that were answered and never came to the API server: {lost}"
