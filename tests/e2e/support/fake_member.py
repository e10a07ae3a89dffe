# SPDX-License-Identifier: Apache-2.0
"""An API server that is not what an Agent expects: it keeps every byte it got, and answers what a test says."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import wait
from .pki import Authority

TOKEN = "the-agents-own-token"
UID = "5f0a3c52-9b8e-4a51-a1f6-0d4c7f3f0b11"


@dataclass
class Request:
    """One request head as it came, and the number of the connection that it came on."""

    connection: int
    head: bytes
    body: bytes = b""

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    def fields(self, name: str) -> list[str]:
        found = []
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode("latin-1").lower() == name.lower():
                found.append(value.strip().decode("latin-1"))
        return found

    @property
    def names(self) -> list[str]:
        return [line.partition(b":")[0].decode("latin-1").lower() for line in self.head.split(b"\r\n")[1:] if line]


@dataclass(frozen=True)
class Reply:
    """Raw bytes of an answer. The connection stays open unless `close` is set."""

    octets: bytes
    close: bool = False


def reply(status: str, body: bytes | str = b"", *fields: str, close: bool = False) -> Reply:
    content = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *fields]
    return Reply("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + content, close)


def reply_json(value: object, status: str = "200 OK") -> Reply:
    return reply(status, json.dumps(value), "Content-Type: application/json")


def chunked_size(octets: bytes) -> int | None:
    """Of a whole chunked body with its trailers; None while it is not whole."""
    at = 0
    while (line_end := octets.find(b"\r\n", at)) >= 0:
        size = int(octets[at:line_end].split(b";")[0], 16)
        at = line_end + 2 + size + 2
        if size == 0:
            end = octets.find(b"\r\n\r\n", line_end)
            return None if end < 0 else end + 4
    return None


@dataclass
class FakeMember:
    """TLS on loopback, HTTP/1.1 only. `answer` may return None for "as a healthy API server would"."""

    folder: Path
    answer: Callable[[Request], Reply | None] = lambda _: None
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority("the member's authority")
        served = self.authority.issue("member", names=["127.0.0.1"], server=True, client=False).write(self.folder / "member.pem")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(served)
        self._context.set_alpn_protocols(["http/1.1"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.server = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections = 0
        self._open: set[ssl.SSLSocket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def kubeconfig(self) -> Path:
        path = self.folder / "kubeconfig"
        authority = self.folder / "ca.pem"
        authority.write_text(self.authority.pem)
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": self.server, "certificate-authority": str(authority)}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "roadstead-system"}}],
        }))
        path.chmod(0o600)
        return path

    def of_people(self) -> list[Request]:
        """Requests that the Agent did not make for itself."""
        return [r for r in self.requests if r.fields("impersonate-user") or r.fields("user-agent") != ["roadstead-agent"]]

    def close(self) -> None:
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def wait_for(self, what: str, wanted: Callable[[Request], bool]) -> Request:
        return wait.until(what, lambda: next(r for r in self.requests if wanted(r)))

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            threading.Thread(target=self._serve, args=(plain, self._connections), daemon=True).start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        try:
            with self._context.wrap_socket(plain, server_side=True) as tls:
                self._open.add(tls)
                try:
                    self._converse(tls, number)
                finally:
                    self._open.discard(tls)
        except (OSError, ValueError):
            pass  # the Agent went away

    def _converse(self, tls: ssl.SSLSocket, number: int) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                block = tls.recv(65536)
                if not block:
                    return
                buffer += block
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            request = Request(number, head)
            length = int((request.fields("content-length") or ["0"])[0])
            chunked = request.fields("transfer-encoding") == ["chunked"]
            while (size := chunked_size(buffer) if chunked else length) is None or len(buffer) < size:
                block = tls.recv(65536)
                if not block:
                    return
                buffer += block
            request.body, buffer = buffer[:size], buffer[size:]
            self.requests.append(request)
            made = self.answer(request) or self._healthy(request)
            tls.sendall(made.octets)
            if made.close:
                return

    def _healthy(self, request: Request) -> Reply:
        path = request.path.split("?")[0]
        if path == "/readyz":
            return reply("200 OK", "ok")
        if path == "/version":
            return reply_json({"gitVersion": "v1.36.3", "platform": "linux/amd64"})
        if path == "/api/v1/namespaces/kube-system":
            return reply_json({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": UID}})
        if path.endswith("/selfsubjectaccessreviews"):
            return reply_json({"kind": "SelfSubjectAccessReview", "status": {"allowed": True}}, "201 Created")
        return reply_json({"kind": "Status", "apiVersion": "v1", "status": "Success", "path": request.path})
