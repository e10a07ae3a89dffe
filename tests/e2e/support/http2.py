# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by the byte: frames and header blocks exactly as a test wants them, right or wrong."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)

ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY_FLAG = 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, \
    REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(12)

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)

_MOST_BYTES = 1 << 26


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*values: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", number, value) for number, value in values))


def ping(text: bytes = b"12345678", flags: int = 0) -> bytes:
    return frame(PING, flags, 0, text)


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst_stream(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last: int = 0, code: int = NO_ERROR) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code))


def priority(stream: int, depends_on: int, weight: int = 15) -> bytes:
    return frame(PRIORITY, 0, stream, struct.pack(">IB", depends_on, weight))


# HPACK (RFC 7541), without a table that would have to be kept in step


def integer(value: int, bits: int, first: int = 0) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out = [first | most]
    value -= most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def text(value: bytes) -> bytes:
    return integer(len(value), 7) + value


def field(name: bytes | str, value: bytes | str) -> bytes:
    """A literal without indexing, with a name of its own."""
    as_bytes = [v.encode() if isinstance(v, str) else v for v in (name, value)]
    return b"\x00" + text(as_bytes[0]) + text(as_bytes[1])


def block(fields: Iterable[tuple[bytes | str, bytes | str]]) -> bytes:
    return b"".join(field(name, value) for name, value in fields)


def headers(stream: int, fields: bytes, flags: int = END_HEADERS | END_STREAM) -> bytes:
    return frame(HEADERS, flags, stream, fields)


def continuation(stream: int, fields: bytes, flags: int = END_HEADERS) -> bytes:
    return frame(CONTINUATION, flags, stream, fields)


def data(stream: int, payload: bytes, flags: int = END_STREAM) -> bytes:
    return frame(DATA, flags, stream, payload)


@dataclass(frozen=True)
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """The error code of RST_STREAM or GOAWAY."""
        return int(struct.unpack(">I", self.payload[4:8] if self.kind == GOAWAY else self.payload[:4])[0])


class Ended(Exception):
    """The other side closed the connection."""


class Wire:
    """Frames over a TLS connection, with a deadline for all of it."""

    def __init__(self, tls: ssl.SSLSocket, seconds: float = 5) -> None:
        self.tls = tls
        self.deadline = time.monotonic() + seconds
        self._buffer = b""
        self._decoder = hpack.Decoder(max_header_list_size=1 << 20)

    def more_time(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def send(self, octets: bytes) -> None:
        self.tls.settimeout(max(0.01, self.deadline - time.monotonic()))
        try:
            self.tls.sendall(octets)
        except (ConnectionError, ssl.SSLError):
            pass  # what the other side says of it is still read

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self.tls.settimeout(max(0.01, self.deadline - time.monotonic()))
            try:
                octets = self.tls.recv(65536)
            except (ConnectionError, ssl.SSLError) as error:
                if isinstance(error, TimeoutError):
                    raise
                raise Ended(str(error)) from None
            if not octets:
                raise Ended("end of stream")
            self._buffer += octets
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def read(self) -> Frame:
        head = self._take(9)
        size = int.from_bytes(head[:3], "big")
        assert size < _MOST_BYTES
        return Frame(head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, self._take(size))

    def decode(self, header_block: bytes) -> dict[str, str]:
        """Must be called for every header block, in order."""
        return {str(n): str(v) for n, v in self._decoder.decode(header_block)}

    def close(self) -> None:
        self.tls.close()


def connect(
    address: tuple[str, int], name: str, context: ssl.SSLContext, *, seconds: float = 5, receive_buffer: int = 0,
) -> Wire:
    """A connection with ALPN as the context says; the client's preface is not sent yet."""
    plain = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    plain.settimeout(seconds)
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.connect(address)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(context.wrap_socket(plain, server_hostname=name), seconds)
