# SPDX-License-Identifier: Apache-2.0
"""Transactions beside the hubs' that take their turn as a hub does and then commit late."""

from __future__ import annotations

import random
import subprocess
import threading

from .ledger import Ledger
from .postgres import PostgresServer


def fnv(text: str) -> str:
    """The digest of store-client."""
    value = 1469598103934665603
    for byte in text.encode():
        value = ((value ^ byte) * 1099511628211) % 2**64
    return f"{value:016x}"


class LateCommitters:
    """Several at once, so that one that began first often ends last. They may be killed at any moment."""

    def __init__(self, server: PostgresServer, seed: int) -> None:
        self.ledger = Ledger()
        self.committed = 0
        self._server = server
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._number = 0

    def step(self) -> None:
        """Starts one more and gathers those that have ended. Called by the test's thread between other things."""
        still = []
        for key, process in self._running:
            if process.poll() is None:
                still.append((key, process))
            elif process.returncode == 0:
                self.committed += 1
        self._running = still
        if len(still) < 3:
            self._number += 1
            key = f"late-{self._number}"
            filling = f"committed late {self._number} {self._random.random()}"
            digest = fnv(filling)
            self.ledger.tried[digest] = ("put", key)
            self._running.append((key, self._server.launch_sql(self._transaction(key, f"{digest}:{filling}"))))

    def join(self) -> None:
        for _, process in self._running:
            process.wait(60)
        self.step_end()

    def step_end(self) -> None:
        self.committed += sum(process.returncode == 0 for _, process in self._running)
        self._running = []

    def _transaction(self, key: str, value: str) -> str:
        early, late = self._random.uniform(0, 0.05), self._random.uniform(0, 0.12)
        return f"""
BEGIN;
SET LOCAL search_path = roadstead;
SELECT count(*), pg_sleep({early}) FROM versions;
SELECT value FROM counters WHERE name = 'revision' FOR UPDATE;
INSERT INTO versions
  SELECT value + 1, 'things.example.com', '{key}', 0, false, '{value}' FROM counters WHERE name = 'revision';
UPDATE counters SET value = value + 1 WHERE name = 'revision';
SELECT pg_sleep({late});
COMMIT;
"""
