# SPDX-License-Identifier: Apache-2.0
"""One side of the comparison: an HTTP client for a real API server or for the hub's object API."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


class Side:
    """Sends requests one after another on one connection that is kept; watches have connections of their own."""

    def __init__(self, name: str, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        self.name = name
        self._host, self._port, self._context = host, port, context
        self._kept: http.client.HTTPConnection | None = None

    @classmethod
    def of_cluster(cls, address: str, port: int, pki: Path) -> Side:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return cls("API server", address, port, context)

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        return http.client.HTTPSConnection(self._host, self._port, context=self._context, timeout=timeout)

    def request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        for attempt in (1, 2):
            connection = self._kept or self.connect()
            fresh, self._kept = self._kept is None, None
            try:
                connection.request(method, path, body.encode() if body is not None else None, headers)
                answer = read_answer(connection.getresponse())
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                if fresh or attempt == 2:
                    raise
                continue  # the server had closed the kept connection
            if answer.headers.get("connection", "").lower() == "close":
                connection.close()
            else:
                self._kept = connection
            return answer
        raise AssertionError("not reached")

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()


def read_answer(response: http.client.HTTPResponse) -> Answer:
    kept: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        kept[key] = f"{kept[key]}, {value}" if key in kept else value
    return Answer(response.status, kept, response.read().decode())


class LiveWatch:
    """A watch that reads in the background while other requests go on."""

    def __init__(self, side: Side, path: str, headers: dict[str, str]) -> None:
        self._connection = side.connect(timeout=60)
        self._connection.request("GET", path, None, headers)
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._response:
                with self._changed:
                    self._lines.append(line.decode())
                    self._changed.notify_all()
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self, count: int, timeout: float = 10) -> str:
        """At least `count` lines, fewer when the watch ended or the time is up; they are taken out."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._lines) >= count, timeout)
            taken, self._lines = self._lines, []
        return "".join(taken)

    def close(self) -> None:
        if self._connection.sock is not None:
            self._connection.sock.close()
        self._connection.close()


def lines_of(text: str) -> list[object]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]
