# SPDX-License-Identifier: Apache-2.0
"""Attacks on HTTP/2 at the user port: bounded memory, and others are served as before."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator

import pytest

from e2e.support import http2, wait
from e2e.support.client import GROUP, Client
from e2e.support.http2 import Ended, Wire
from e2e.support.http2_cases import GET, POST
from e2e.support.hub import Hub
from e2e.test_http2 import h2_context, open_wire

MORE = http2.END_HEADERS


@pytest.fixture(scope="module")
def context(lone_admin: Client) -> ssl.SSLContext:
    return h2_context(lone_admin)


def attack(wire: Wire, piece: Callable[[int], bytes], count: int, batch: int = 500) -> int:
    """Sends `piece` of ever new streams, as fast as it goes, until the hub ends the connection; how many went."""
    sent = 0
    wire.tls.setblocking(False)
    deadline = time.monotonic() + 20
    out = b""
    ended = False
    while sent < count and time.monotonic() < deadline and not ended:
        if not out:
            out = b"".join(piece(2 * n + 1) for n in range(sent, min(sent + batch, count)))
            sent += batch
        try:
            out = out[wire.tls.send(out):]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            time.sleep(0.001)
        except (ConnectionError, ssl.SSLError):
            ended = True
        try:
            ended = wire.tls.recv(1 << 16) == b"" or ended
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except (ConnectionError, ssl.SSLError):
            ended = True
    return sent


def reset_storm(stream: int) -> bytes:
    return http2.headers(stream, GET) + http2.rst_stream(stream)


def reset_storm_of_writes(stream: int) -> bytes:
    return http2.headers(stream, POST, MORE) + http2.rst_stream(stream)


def made_you_reset(stream: int) -> bytes:
    """The client makes the server reset the stream (CVE-2025-8671)."""
    return http2.headers(stream, POST, MORE) + http2.window_update(stream, 0)


def malformed(stream: int) -> bytes:
    return http2.headers(stream, GET + http2.field("X-Upper", "1"))


def half_requests(stream: int) -> bytes:
    return http2.headers(stream, POST, MORE)


@pytest.mark.parametrize("piece", [reset_storm, reset_storm_of_writes, made_you_reset, malformed, half_requests])
def test_a_storm_of_streams(lone_hub: Hub, lone_admin: Client, context: ssl.SSLContext, piece: Callable[[int], bytes]) -> None:
    before = lone_hub.resident_bytes()
    wire = open_wire(lone_admin, context, 30)
    attack(wire, piece, 50_000)
    grown = lone_hub.resident_bytes() - before
    took = time.monotonic()
    assert lone_admin.raw("GET", f"{GROUP}/clusters").status == 200
    took = time.monotonic() - took
    wire.close()
    assert grown < 64 * 2**20, f"{grown >> 20} MiB"
    assert took < 8, f"another user waited for {took:.1f} s"
    wait.until("the connection's memory is free", lambda: lone_hub.resident_bytes() - before < 48 * 2**20)


@pytest.mark.parametrize("frame", [http2.ping(), http2.settings(), http2.settings((http2.INITIAL_WINDOW_SIZE, 1)), http2.priority(1, 0),
                                   http2.frame(0xBE, 0, 0, b"x" * 100)], ids=["PING", "SETTINGS", "a setting", "PRIORITY", "unknown"])
def test_frames_that_cost_the_sender_nothing(lone_hub: Hub, lone_admin: Client, context: ssl.SSLContext, frame: bytes) -> None:
    """A peer that does not read its answers."""
    before = lone_hub.resident_bytes()
    wire = open_wire(lone_admin, context, 30)
    wire.tls.setblocking(False)
    deadline = time.monotonic() + 3
    sent = 0
    out = frame * 1000
    try:
        while time.monotonic() < deadline and sent < 30 * 2**20:
            try:
                sent += wire.tls.send(out)
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                time.sleep(0.001)
    except (ConnectionError, ssl.SSLError):
        pass
    assert lone_hub.resident_bytes() - before < 32 * 2**20
    assert lone_admin.raw("GET", f"{GROUP}/clusters").status == 200
    wire.close()


@pytest.fixture
def readers(lone_admin: Client, context: ssl.SSLContext) -> Iterator[list[Wire]]:
    made: list[Wire] = []
    yield made
    for wire in made:
        wire.close()


def test_readers_that_never_read(lone_hub: Hub, lone_admin: Client, context: ssl.SSLContext, readers: list[Wire]) -> None:
    """20 connections with 200 streams each, whose window is 0: the answers are not kept for them."""
    before = lone_hub.resident_bytes()
    for _ in range(20):
        wire = open_wire(lone_admin, context, 30)
        readers.append(wire)
        wire.send(http2.settings((http2.INITIAL_WINDOW_SIZE, 0)) + b"".join(http2.headers(2 * n + 1, GET) for n in range(200)))
    for wire in readers:
        answered = 0
        while answered < 200:
            answered += wire.read().kind == http2.HEADERS
    grown = lone_hub.resident_bytes() - before
    assert grown < 128 * 2**20, f"{grown >> 20} MiB"
    assert lone_admin.raw("GET", f"{GROUP}/clusters").status == 200


def test_a_client_of_silence_is_not_served_for_ever(lone_hub: Hub, lone_admin: Client, context: ssl.SSLContext) -> None:
    """Without an answer to our SETTINGS, and with one half of a preface."""
    wire = http2.connect(lone_admin.address, lone_admin.tls_name, context, seconds=15)
    wire.send(http2.PREFACE[:10])
    with pytest.raises(Ended):
        while True:
            wire.read()
    wire.close()
