# SPDX-License-Identifier: Apache-2.0
"""The relay keeps bytes, order and half-close, and adds what it was told to add."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from testbed.relay import Relay


class Sink:
    """A server that reads to the end of the stream and only then answers with the digest of what it has read."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _serve(connection: socket.socket) -> None:
        digest = hashlib.sha256()
        with connection:
            try:
                while data := connection.recv(1 << 16):
                    digest.update(data)
                connection.sendall(digest.hexdigest().encode())
            except OSError:
                pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    yield server
    server.close()


def exchange(address: str, payload: bytes) -> tuple[str, float]:
    """Sends, half-closes, and reads the answer; with the seconds that it took."""
    host, _, port = address.rpartition(":")
    begin = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(payload)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(4096):
            answer += data
    return answer.decode(), time.monotonic() - begin


def test_passes_bytes_and_half_close(sink: Sink) -> None:
    payload = os.urandom(20 << 20)
    with Relay(sink.address) as relay:
        digest, _ = exchange(relay.address, payload)
        assert relay.connections() == 1
    assert digest == hashlib.sha256(payload).hexdigest()


def test_adds_delay_both_ways(sink: Sink) -> None:
    with Relay(sink.address, delay_ms=150) as relay:
        digest, seconds = exchange(relay.address, b"x")
        relay.set(delay_ms=0)
        _, quick = exchange(relay.address, b"x")
    assert digest == hashlib.sha256(b"x").hexdigest()
    assert seconds >= 0.6  # handshake and one exchange, two ways each
    assert quick < seconds / 2


def test_limits_the_rate(sink: Sink) -> None:
    with Relay(sink.address, rate=2_000_000, window=1 << 16) as relay:
        _, seconds = exchange(relay.address, bytes(1_000_000))
    assert seconds >= 0.45


def test_stalls_keep_order(sink: Sink) -> None:
    payload = os.urandom(3 << 20)
    with Relay(sink.address, stall_probability=0.2, stall_ms=30) as relay:
        digest, _ = exchange(relay.address, payload)
    assert digest == hashlib.sha256(payload).hexdigest()


def test_frozen_is_silent_and_thaws(sink: Sink) -> None:
    with Relay(sink.address, frozen=True) as relay:
        host, _, port = relay.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"x")
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            relay.set(frozen=False)
            connection.settimeout(10)
            assert connection.recv(64) == hashlib.sha256(b"x").hexdigest().encode()


def test_reset_is_seen_by_the_client(sink: Sink) -> None:
    with Relay(sink.address) as relay:
        host, _, port = relay.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"x")
            deadline = time.monotonic() + 5
            while relay.connections() == 0 and time.monotonic() < deadline:
                pass
            relay.set(reset=True)
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        # The next connection is a new one and works.
        assert exchange(relay.address, b"y")[0] == hashlib.sha256(b"y").hexdigest()


def test_refused_target_resets_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = "127.0.0.1:%d" % unused.getsockname()[1]
    with Relay(address) as relay:
        host, _, port = relay.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            with pytest.raises(ConnectionResetError):
                connection.recv(1)


def test_unknown_setting_is_refused(sink: Sink) -> None:
    with Relay(sink.address) as relay:
        with pytest.raises(ValueError, match="colour"):
            relay.set(colour="red")
