# SPDX-License-Identifier: Apache-2.0
"""Bytes to the user port and what comes back, for requests that no client library would make."""

from __future__ import annotations

import socket
import ssl

from .client import Client


def exchange(client: Client, data: bytes, timeout: float = 10, quiet: float = 1.5) -> bytes:
    """Sends bytes over TLS and returns all that comes until the other side closes, or says nothing more for a while."""
    with socket.create_connection(client.address, timeout) as plain, \
         client.context.wrap_socket(plain, server_hostname=client.tls_name) as tls:
        tls.sendall(data)
        parts = []
        tls.settimeout(timeout)
        try:
            while block := tls.recv(65536):
                parts.append(block)
                tls.settimeout(quiet)
        except (TimeoutError, ConnectionResetError, ssl.SSLError):
            pass
        return b"".join(parts)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def upgrade(path: str, protocol: bytes = b"websocket", more: bytes = b"") -> bytes:
    return (b"GET " + path.encode() + b" HTTP/1.1\r\nHost: ack\r\nConnection: Upgrade\r\nUpgrade: " + protocol +
            b"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            b"Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n" + more + b"\r\n")
