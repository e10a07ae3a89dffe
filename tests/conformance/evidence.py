# SPDX-License-Identifier: Apache-2.0
"""Counts the requests of a spec: the hub's own records, and what the API server saw from the administrator directly."""

from __future__ import annotations

import json
import re
import threading
import time
from bisect import bisect_left
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_RECORD = re.compile(rb" request .*?started=(\S+Z) .*?cluster=(\S+)")
# The test bed's own administrator, whose kubeconfig the direct run uses.
_ADMIN = "kubernetes-admin"


def seconds(stamp: str) -> float:
    """Of an RFC 3339 time in UTC."""
    return datetime.strptime(stamp[:26].rstrip("Z"), "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=timezone.utc).timestamp()


class Tail:
    """Times out of a growing log, by cluster. Thread-safe."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = 0
        self._times: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def some(self, cluster: str, begin: float, end: float, within: float = 10) -> int:
        """How many there are, once there is one: who writes the log gathers lines for a moment. 0 after `within` seconds."""
        deadline = time.monotonic() + within
        while (found := self.count(cluster, begin, end)) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def count(self, cluster: str, begin: float, end: float) -> int:
        with self._lock:
            self._read()
            times = sorted(self._times.get(cluster, []))
            self._times[cluster] = times
            return bisect_left(times, end) - bisect_left(times, begin)

    def _read(self) -> None:
        if not self._log.exists():
            return
        with self._log.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    break  # it is still being written
                self._offset += len(line)
                found = self.entry(line)
                if found is not None:
                    self._times.setdefault(found[0], []).append(found[1])

    def entry(self, line: bytes) -> tuple[str, float] | None:
        """Cluster and time, when the line is one that counts."""
        raise NotImplementedError


class HubRequests(Tail):
    """Requests into member clusters, from the hub's request log."""

    def entry(self, line: bytes) -> tuple[str, float] | None:
        match = _RECORD.search(line)
        return (match[2].decode(), seconds(match[1].decode())) if match else None


class AroundTheHub(Tail):
    """Requests of the test bed's administrator, from one cluster's audit log: the hub's run must make none."""

    def __init__(self, cluster: str, log: Path) -> None:
        super().__init__(log)
        self._cluster = cluster

    def entry(self, line: bytes) -> tuple[str, float] | None:
        if _ADMIN.encode() not in line:
            return None
        event: dict[str, Any] = json.loads(line)
        if event.get("stage") != "ResponseComplete" or event.get("user", {}).get("username") != _ADMIN:
            return None
        return self._cluster, seconds(event["requestReceivedTimestamp"])
