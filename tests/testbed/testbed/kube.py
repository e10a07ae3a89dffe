# SPDX-License-Identifier: Apache-2.0
"""The little of a Kubernetes client that the test bed itself needs, as administrator."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any


class ApiError(RuntimeError):
    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body[:500]}")
        self.status = status


class Client:
    """One connection per request, since the server comes and goes."""

    def __init__(self, address: str, port: int, authority: Path, pki: Path, user: str) -> None:
        self._address = address
        self._port = port
        self._context = ssl.create_default_context(cafile=str(authority))
        self._context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")

    def request(
        self, method: str, path: str, body: Any = None, *, content: str = "application/json", timeout: float = 10
    ) -> str:
        connection = http.client.HTTPSConnection(self._address, self._port, context=self._context, timeout=timeout)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {"Content-Type": content} if payload else {})
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            if response.status >= 300:
                raise ApiError(response.status, text)
            return text
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        return json.loads(self.request("GET", path))

    def apply(self, path: str, body: Any) -> None:
        """Server-side apply as the field manager `testbed`."""
        self.request(
            "PATCH", f"{path}?fieldManager=testbed&force=true", body, content="application/apply-patch+yaml"
        )
