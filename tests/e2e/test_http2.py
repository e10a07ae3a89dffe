# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 of the user port, frame by frame: RFC 9113 and RFC 7541 as support/http2_cases.py has them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from e2e.support import http2
from e2e.support.client import Client
from e2e.support.http2 import Ended, Frame, Wire
from e2e.support.http2_cases import GET, Case, Expected, all_cases
from e2e.support.hub import Hub

SENTINEL = b"sentinel"


def h2_context(client: Client, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(client.login.roots))
    context.load_cert_chain(client.login.credential)
    context.set_alpn_protocols(list(protocols or ("h2",)))
    return context


@pytest.fixture(scope="module")
def context(lone_admin: Client) -> ssl.SSLContext:
    return h2_context(lone_admin)


def open_wire(client: Client, context: ssl.SSLContext, seconds: float = 5) -> Wire:
    """Preface and SETTINGS of both sides are done."""
    wire = http2.connect(client.address, client.tls_name, context, seconds=seconds)
    assert wire.tls.selected_alpn_protocol() == "h2"
    wire.send(http2.PREFACE + http2.settings())
    missing = {0, http2.ACK}
    while missing:
        seen = wire.read()
        if seen.kind == http2.SETTINGS:
            missing.discard(seen.flags & http2.ACK)
    wire.send(http2.frame(http2.SETTINGS, http2.ACK, 0))
    return wire


@pytest.fixture
def wire(lone_admin: Client, context: ssl.SSLContext) -> Iterator[Wire]:
    made = open_wire(lone_admin, context)
    yield made
    made.close()


@pytest.fixture(scope="module")
def neighbour(lone_admin: Client, context: ssl.SSLContext) -> Iterator[Wire]:
    """A connection that does nothing wrong, all the time."""
    made = open_wire(lone_admin, context)
    yield made
    made.close()


class Watcher:
    """Reads until what is expected has been seen, and says what came instead."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.seen: list[str] = []
        self.body = 0
        self.status = 0
        self.complete = False

    def read(self) -> Frame:
        frame = self.wire.read()
        self.seen.append(f"type {frame.kind} flags {frame.flags:#x} stream {frame.stream} {frame.payload[:24]!r}")
        if frame.kind == http2.HEADERS:
            fields = self.wire.decode(frame.payload)
            self.status = int(fields.get(":status", self.status))
        return frame

    def check(self, expected: Expected) -> None:
        try:
            self._check(expected)
        except (Ended, TimeoutError) as error:
            raise AssertionError(f"{type(error).__name__} {error} instead of {expected}; seen: {self.seen}") from None

    def _check(self, expected: Expected) -> None:
        fails_only = (expected.connection_error or expected.stream_error) and not expected.status and not expected.nothing
        quiet = expected.nothing or expected == Expected()
        if quiet:
            self.wire.send(http2.ping(SENTINEL))
        if expected.body_bytes is not None and not expected.status:
            self._body(expected)
            return
        while True:
            try:
                frame = self.read()
            except Ended:
                if expected.without_goaway:
                    return
                assert not expected.connection_error, f"the connection ended without GOAWAY: {self.seen}"
                raise
            if frame.kind == http2.GOAWAY:
                assert frame.code in expected.connection_error, f"GOAWAY {frame.code}, not {expected}: {self.seen}"
                self._until_the_end()
                return
            if frame.kind == http2.RST_STREAM and frame.stream == expected.stream:
                assert frame.code in expected.stream_error, f"RST_STREAM {frame.code}, not {expected}: {self.seen}"
                self._alive()
                return
            if frame.kind == http2.HEADERS and frame.stream == expected.stream and not quiet:
                assert self.status in expected.status, f"status {self.status}, not {expected}: {self.seen}"
                self.complete = bool(frame.flags & http2.END_STREAM)
                self._body(expected)
                return
            if expected.reply and http2.frame(frame.kind, frame.flags, frame.stream, frame.payload) == expected.reply:
                return
            if quiet and frame.kind == http2.PING and frame.payload == SENTINEL:
                assert not fails_only
                return

    def _body(self, expected: Expected) -> None:
        wanted = expected.body_bytes
        if wanted is None:
            while not self.complete:
                frame = self.read()
                assert frame.kind not in (http2.GOAWAY, http2.RST_STREAM), self.seen
                if frame.kind == http2.DATA and frame.stream == expected.stream:
                    self.complete = bool(frame.flags & http2.END_STREAM)
                    self.wire.send(http2.window_update(0, max(1, len(frame.payload))))
            if not expected.last:
                self._alive()
            return
        got = 0
        while got < wanted:
            frame = self.read()
            got += len(frame.payload) if frame.kind == http2.DATA else 0
        got += self._alive()
        assert got == wanted, f"{got} bytes of DATA, not {wanted}: {self.seen}"

    def _alive(self) -> int:
        """PING is answered; the number of DATA bytes that came before."""
        self.wire.send(http2.ping(SENTINEL))
        extra = 0
        while True:
            frame = self.read()
            extra += len(frame.payload) if frame.kind == http2.DATA else 0
            assert frame.kind != http2.GOAWAY, self.seen
            if frame.kind == http2.PING and frame.payload == SENTINEL:
                return extra

    def _until_the_end(self) -> None:
        try:
            while True:
                self.read()
        except Ended:
            pass


CASES = all_cases()


def test_the_table_is_as_long_as_it_says() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_frames(wire: Wire, neighbour: Wire, case: Case) -> None:
    watcher = Watcher(wire)
    wire.send(case.send)
    watcher.check(case.expected)
    if case.then:
        wire.more_time(5)
        wire.send(case.then)
        assert case.then_expected is not None
        watcher.check(case.then_expected)
    neighbour.more_time(5)
    Watcher(neighbour)._alive()  # noqa: SLF001


def test_the_neighbour_was_not_disturbed(lone_hub: Hub, neighbour: Wire) -> None:
    neighbour.more_time(5)
    neighbour.send(http2.headers(1, GET))
    Watcher(neighbour).check(Expected(status=(200,)))
    assert lone_hub.running


OPENINGS = {  # and whether a GOAWAY is owed: section 3.4 lets it be left out when the preface is wrong
    "a wrong preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r" + http2.settings(), False),
    "HTTP/1.1": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", False),
    "TLS again": (b"\x16\x03\x01" * 20, False),
    "no SETTINGS before HEADERS": (http2.PREFACE + http2.headers(1, GET), True),
    "no SETTINGS before PING": (http2.PREFACE + http2.ping(), True),
    "ACK instead of SETTINGS": (http2.PREFACE + http2.frame(http2.SETTINGS, http2.ACK, 0), True),
}


@pytest.mark.parametrize("name", OPENINGS)
def test_a_wrong_opening_ends_the_connection(lone_admin: Client, context: ssl.SSLContext, name: str) -> None:
    opening, goaway_owed = OPENINGS[name]
    wire = http2.connect(lone_admin.address, lone_admin.tls_name, context)
    wire.send(opening)
    frames = []
    with pytest.raises(Ended):
        while True:
            frames.append(wire.read())
    codes = [f.code for f in frames if f.kind == http2.GOAWAY]
    assert codes == [http2.PROTOCOL_ERROR] or (not goaway_owed and not codes), frames
    assert not [f for f in frames if f.kind == http2.HEADERS]
    wire.close()


def test_silence_after_the_handshake_ends(lone_admin: Client, context: ssl.SSLContext) -> None:
    wire = http2.connect(lone_admin.address, lone_admin.tls_name, context, seconds=15)
    with pytest.raises(Ended):
        while True:
            wire.read()
    wire.close()


@pytest.mark.parametrize(("offered", "chosen"), [
    (("h2", "http/1.1"), "h2"), (("http/1.1", "h2"), "h2"), (("http/1.1",), "http/1.1"), (("h3", "http/1.1"), "http/1.1"),
])
def test_the_protocol_is_agreed_by_alpn(lone_admin: Client, offered: tuple[str, ...], chosen: str) -> None:
    wire = http2.connect(lone_admin.address, lone_admin.tls_name, h2_context(lone_admin, *offered))
    assert wire.tls.selected_alpn_protocol() == chosen
    wire.close()


def test_http2_is_not_spoken_in_clear(lone_admin: Client) -> None:
    for octets in (http2.PREFACE + http2.settings(), b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                   b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"):
        with socket.create_connection(lone_admin.address, 5) as plain:
            plain.settimeout(5)
            plain.sendall(octets)
            try:
                answer = plain.recv(4096)
            except ConnectionError:
                answer = b""
            assert answer[:1] in (b"", b"\x15"), answer  # nothing, or a TLS alert


def test_old_tls_is_refused(lone_admin: Client) -> None:
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = ssl.create_default_context(cafile=str(lone_admin.login.roots))
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with pytest.raises((ssl.SSLError, ConnectionError)):
            http2.connect(lone_admin.address, lone_admin.tls_name, context)
