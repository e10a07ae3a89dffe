# SPDX-License-Identifier: Apache-2.0
"""One HTTP client for both sides of the comparison: a real API server and the hub's object API."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BASE = "/apis/roadstead.io/v1alpha1"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines() if line]


class Api:
    """Sends requests to one server, a new connection for each."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        self._host, self._port, self._context = host, port, context

    @classmethod
    def of_cluster(cls, address: str, port: int, pki: Path) -> Api:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return cls(address, port, context)

    def request(
        self, method: str, path: str, body: Any = None, *, content: str = "application/json", accept: str = "",
        timeout: float = 30,
    ) -> Answer:
        connection: http.client.HTTPConnection
        if self._context is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        else:
            connection = http.client.HTTPSConnection(self._host, self._port, context=self._context, timeout=timeout)
        headers = {"Accept": accept} if accept else {}
        if body is not None:
            headers["Content-Type"] = content
        try:
            text = body if body is None or isinstance(body, str) else json.dumps(body)
            connection.request(method, path, text, headers)
            response = connection.getresponse()
            kept: dict[str, str] = {}
            for name, value in response.getheaders():
                key = name.lower()
                kept[key] = f"{kept[key]}, {value}" if key in kept else value
            return Answer(response.status, kept, response.read().decode())
        finally:
            connection.close()
