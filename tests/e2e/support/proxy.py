# SPDX-License-Identifier: Apache-2.0
"""A corporate HTTP proxy: CONNECT with Basic authentication, and nothing else."""

from __future__ import annotations

import base64
import selectors
import socket
import threading
from contextlib import suppress
from urllib.parse import quote


class ConnectProxy:
    """Listens on one address; use it with `with`. Keeps what it was asked for."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._listener = socket.create_server((address, 0))
        self.address, self.port = self._listener.getsockname()[:2]
        self.url = f"http://{quote(user)}:{quote(password)}@{self.address}:{self.port}"
        self.targets: list[str] = []  # of CONNECTs that were let through
        self.refused = 0  # for want of credentials
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> ConnectProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        try:
            with client:
                self._converse(client)
        except OSError:
            pass
        finally:
            self._open.discard(client)

    def _converse(self, client: socket.socket) -> None:
        client.settimeout(10)
        head = b""
        while b"\r\n\r\n" not in head:
            block = client.recv(4096)
            if not block or len(head) > 16384:
                return
            head += block
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        if fields.get("proxy-authorization") != f"Basic {self._credentials}":
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"site\"\r\n"
                           b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if method != "CONNECT":
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), 10) as server:
            self._open.add(server)
            self.targets.append(target)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            client.settimeout(None)
            server.settimeout(None)
            self._relay(client, server)
            self._open.discard(server)

    @staticmethod
    def _relay(a: socket.socket, b: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(a, selectors.EVENT_READ, b)
            selector.register(b, selectors.EVENT_READ, a)
            while selector.get_map():
                for key, _ in selector.select():
                    one, other = key.fileobj, key.data
                    assert isinstance(one, socket.socket)
                    block = one.recv(65536)
                    if block:
                        other.sendall(block)
                    else:
                        selector.unregister(one)
                        with suppress(OSError):
                            other.shutdown(socket.SHUT_WR)
