# SPDX-License-Identifier: Apache-2.0
"""What a client may send to an HTTP/2 server, and what the server must do: RFC 9113 and RFC 7541 as a table.

The cases are those that conformance suites for servers check, in the order of the RFCs. Each is sent after the preface
and the exchange of SETTINGS. GET is a request that is answered with 200.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .http2 import (
    ACK,
    CANCEL,
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    ENABLE_PUSH,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEADER_TABLE_SIZE,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    PADDED,
    PING,
    PRIORITY,
    PRIORITY_FLAG,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    block,
    continuation,
    data,
    frame,
    goaway,
    headers,
    integer,
    ping,
    priority,
    rst_stream,
    settings,
    text,
    window_update,
)
from .http2 import field as literal

PATH = "/apis/roadstead.io/v1alpha1"


def request_fields(
    method: str | None = "GET", scheme: str | None = "https", path: str | None = PATH, authority: str | None = "127.0.0.1",
) -> list[tuple[str, str]]:
    """The pseudo-header fields of a good request; None leaves one out."""
    fields = {":method": method, ":scheme": scheme, ":path": path, ":authority": authority}
    return [(name, value) for name, value in fields.items() if value is not None]


GET = block(request_fields())
HEAD = block(request_fields("HEAD"))
# What is posted is never an object, so nothing is made.
POST = block([*request_fields("POST", path=f"{PATH}/users"), ("content-type", "application/json")])


@dataclass(frozen=True)
class Expected:
    """What may follow. Without any of it: the connection goes on as if nothing had been said."""

    connection_error: tuple[int, ...] = ()  # GOAWAY with one of these codes, and the end of the connection
    stream_error: tuple[int, ...] = ()  # RST_STREAM of `stream` with one of these codes; the connection goes on
    status: tuple[int, ...] = ()  # an answer on `stream`; the connection goes on
    stream: int = 1
    reply: bytes = b""  # exactly this frame comes back
    body_bytes: int | None = None  # DATA that comes, and then no more without further credit
    nothing: bool = False  # it may also go on as if nothing had been said
    without_goaway: bool = False  # the connection may end without a word
    last: bool = False  # the client has said GOAWAY: the connection may end afterwards


@dataclass(frozen=True)
class Case:
    name: str
    send: bytes
    expected: Expected = field(default_factory=Expected)
    then: bytes = b""  # sent once `expected` was seen
    then_expected: Expected | None = None


def breaks(*codes: int) -> Expected:
    return Expected(connection_error=codes)


def resets(*codes: int, stream: int = 1) -> Expected:
    return Expected(stream_error=codes, stream=stream)


def either(*codes: int, stream: int = 1) -> Expected:
    """The RFC lets a server treat an error of a stream as one of the connection."""
    return Expected(connection_error=codes, stream_error=codes, stream=stream)


def answers(*status: int, stream: int = 1) -> Expected:
    return Expected(status=status or (200,), stream=stream)


GOES_ON = Expected()


def malformed(*fields: tuple[str | bytes, str | bytes], **change: str | None) -> tuple[bytes, Expected]:
    """A request with these fields more; RFC 9113 section 8.1.1: a stream error of type PROTOCOL_ERROR."""
    return headers(1, block([*request_fields(**change), *fields])), resets(PROTOCOL_ERROR)


def _frames() -> Iterator[Case]:
    yield Case("3.4 the preface is answered with SETTINGS and a request with 200", headers(1, GET), answers())

    yield Case("4.1 a frame of an unknown type is ignored", frame(0x16, 0, 0, b"\0" * 8) + headers(1, GET), answers())
    yield Case("4.1 unknown flags are ignored", ping(flags=0x16), Expected(reply=ping(flags=ACK)))
    yield Case("4.1 the reserved bit of the stream is ignored", frame(PING, 0, 0x80000000, b"reserved"),
               Expected(reply=ping(b"reserved", ACK)))
    yield Case("4.1 the reserved bit of a request's stream is ignored", frame(HEADERS, END_HEADERS | END_STREAM, 0x80000001, GET), answers())

    yield Case("4.2 a DATA frame of 16,384 bytes", headers(1, POST, END_HEADERS) + data(1, b"x" * 16384), answers(400, 415, 422))
    yield Case("4.2 a DATA frame that is too large", headers(1, POST, END_HEADERS) + data(1, b"x" * 16385), either(FRAME_SIZE_ERROR))
    yield Case("4.2 a HEADERS frame that is too large", headers(1, GET + literal("x-a", "b" * 16385)), breaks(FRAME_SIZE_ERROR))
    yield Case("4.2 a CONTINUATION frame that is too large",
               headers(1, GET, END_STREAM) + continuation(1, literal("x-a", "b" * 16385)), breaks(FRAME_SIZE_ERROR))
    yield Case("4.2 an unknown frame that is too large", frame(0x16, 0, 0, b"x" * 16385), breaks(FRAME_SIZE_ERROR))

    yield Case("4.3 a header block that is no HPACK", headers(1, GET + b"\x40\x01"), breaks(COMPRESSION_ERROR))
    yield Case("4.3 PRIORITY inside of a header block", headers(1, GET, END_STREAM) + priority(1, 0), breaks(PROTOCOL_ERROR))
    yield Case("4.3 HEADERS of another stream inside of a header block", headers(1, GET, END_STREAM) + headers(3, GET), breaks(PROTOCOL_ERROR))
    yield Case("4.3 PING inside of a header block", headers(1, GET, END_STREAM) + ping(), breaks(PROTOCOL_ERROR))
    yield Case("4.3 DATA inside of a header block", headers(1, POST, 0) + data(1, b"x"), breaks(PROTOCOL_ERROR))
    yield Case("4.3 SETTINGS inside of a header block", headers(1, GET, END_STREAM) + settings(), breaks(PROTOCOL_ERROR))


def _states() -> Iterator[Case]:
    yield Case("5.1 idle: DATA", data(1, b"x"), breaks(PROTOCOL_ERROR))
    yield Case("5.1 idle: RST_STREAM", rst_stream(1), breaks(PROTOCOL_ERROR))
    yield Case("5.1 idle: WINDOW_UPDATE", window_update(1, 100), breaks(PROTOCOL_ERROR))
    yield Case("5.1 idle: CONTINUATION", continuation(1, GET), breaks(PROTOCOL_ERROR))
    yield Case("5.1 idle: PRIORITY is allowed", priority(1, 0) + headers(1, GET), answers())
    closed = (STREAM_CLOSED,)
    yield Case("5.1 half closed: DATA", headers(1, GET) + data(1, b"x"), either(*closed))
    yield Case("5.1 half closed: HEADERS", headers(1, GET) + headers(1, GET), either(*closed))
    yield Case("5.1 half closed: CONTINUATION", headers(1, GET) + continuation(1, GET), breaks(STREAM_CLOSED, PROTOCOL_ERROR))
    yield Case("5.1 half closed: PRIORITY is allowed", headers(1, GET) + priority(1, 0), answers())
    yield Case("5.1 half closed: WINDOW_UPDATE is allowed", headers(1, GET) + window_update(1, 1), answers())
    reset = headers(1, POST, END_HEADERS) + rst_stream(1)
    # Frames that were under way when the stream was reset are ignored or refused, as the server likes; never taken.
    late = Expected(connection_error=(STREAM_CLOSED, PROTOCOL_ERROR), stream_error=(STREAM_CLOSED,), nothing=True)
    yield Case("5.1 closed by RST_STREAM: DATA", reset + data(1, b"x"), late)
    yield Case("5.1 closed by RST_STREAM: HEADERS", reset + headers(1, GET), late)
    yield Case("5.1 closed by RST_STREAM: CONTINUATION", reset + continuation(1, GET), breaks(STREAM_CLOSED, PROTOCOL_ERROR))
    yield Case("5.1 closed by RST_STREAM: WINDOW_UPDATE is allowed", reset + window_update(1, 1), GOES_ON)
    yield Case("5.1 closed by RST_STREAM: RST_STREAM again is allowed", reset + rst_stream(1), GOES_ON)
    # The RFC asks for an error here. nghttp2 has forgotten the stream and ignores the frame, which harms nobody.
    yield Case("5.1 closed by END_STREAM: DATA is ignored", headers(1, GET), answers(), data(1, b"x"),
               Expected(connection_error=(STREAM_CLOSED,), nothing=True))
    yield Case("5.1 closed by END_STREAM: HEADERS", headers(1, GET), answers(), headers(1, GET), breaks(STREAM_CLOSED, PROTOCOL_ERROR))
    yield Case("5.1 closed by END_STREAM: CONTINUATION", headers(1, GET), answers(), continuation(1, GET), breaks(STREAM_CLOSED, PROTOCOL_ERROR))
    yield Case("5.1 closed by END_STREAM: RST_STREAM and WINDOW_UPDATE are allowed", headers(1, GET), answers(),
               rst_stream(1) + window_update(1, 1), GOES_ON)
    yield Case("5.1 closed by END_STREAM: PRIORITY is allowed", headers(1, GET), answers(), priority(1, 0), GOES_ON)

    yield Case("5.1.1 an even stream", headers(2, GET), breaks(PROTOCOL_ERROR))
    yield Case("5.1.1 a stream below an earlier one", headers(5, GET) + headers(3, GET), breaks(PROTOCOL_ERROR, STREAM_CLOSED))
    yield Case("5.1.1 the same stream again after its end", headers(5, GET), answers(stream=5), headers(5, GET), breaks(PROTOCOL_ERROR, STREAM_CLOSED))
    yield Case("5.1.1 streams may be left out", headers(1, GET) + headers(101, GET), answers(stream=101))
    yield Case("5.1.1 the last stream there is", headers(0x7FFFFFFF, GET), answers(stream=0x7FFFFFFF))
    yield Case("5.1.2 more streams than allowed", b"".join(headers(2 * n + 1, POST, END_HEADERS) for n in range(300)),
               Expected(connection_error=(PROTOCOL_ERROR, 7), stream_error=(PROTOCOL_ERROR, 7), stream=2 * 299 + 1))

    # RFC 9113 section 5.3: priorities are obsolete; a server may forget about them or refuse what was wrong in RFC 7540.
    yield Case("5.3.1 HEADERS that depends on itself",
               frame(HEADERS, END_HEADERS | END_STREAM | PRIORITY_FLAG, 1, b"\0\0\0\1\x10" + GET),
               Expected(status=(200,), stream_error=(PROTOCOL_ERROR,), connection_error=(PROTOCOL_ERROR,)))
    yield Case("5.3.1 PRIORITY that depends on itself", priority(1, 1), Expected(stream_error=(PROTOCOL_ERROR,), connection_error=(PROTOCOL_ERROR,), nothing=True))
    yield Case("5.3.1 HEADERS with a priority", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITY_FLAG, 3, b"\0\0\0\1\xff" + GET), answers(stream=3))

    yield Case("5.4.1 after a connection error the connection is closed", frame(PING, 0, 3, b"\0" * 8), breaks(PROTOCOL_ERROR))
    yield Case("5.5 an unknown frame inside of a header block", headers(1, GET, END_STREAM) + frame(0x16, 0, 1, b"x") + continuation(1, b""),
               breaks(PROTOCOL_ERROR))
    yield Case("5.5 an unknown setting is ignored", settings((0xFF, 1)), Expected(reply=frame(SETTINGS, ACK, 0)))


def _data_and_headers() -> Iterator[Case]:
    yield Case("6.1 DATA of stream 0", data(0, b"x"), breaks(PROTOCOL_ERROR))
    yield Case("6.1 DATA with more padding than payload", headers(1, POST, END_HEADERS) + frame(DATA, PADDED | END_STREAM, 1, b"\x06Test"),
               breaks(PROTOCOL_ERROR))
    yield Case("6.1 DATA with a padding flag and no length", headers(1, POST, END_HEADERS) + frame(DATA, PADDED | END_STREAM, 1, b""),
               breaks(PROTOCOL_ERROR, FRAME_SIZE_ERROR))
    yield Case("6.1 DATA with padding", headers(1, POST, END_HEADERS) + frame(DATA, PADDED | END_STREAM, 1, b"\x04{}\0\0\0\0"), answers(400, 415, 422))
    yield Case("6.1 DATA of padding alone", headers(1, POST, END_HEADERS) + frame(DATA, PADDED, 1, b"\xff" + b"\0" * 255) + data(1, b"{}"),
               answers(400, 415, 422))
    yield Case("6.1 an empty DATA frame ends the stream", headers(1, GET, END_HEADERS) + data(1, b""), answers())

    yield Case("6.2 HEADERS of stream 0", headers(0, GET), breaks(PROTOCOL_ERROR))
    yield Case("6.2 HEADERS with more padding than payload",
               frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, bytes([len(GET) + 1]) + GET), breaks(PROTOCOL_ERROR))
    yield Case("6.2 HEADERS with padding", frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x08" + GET + b"\0" * 8), answers())
    yield Case("6.2 HEADERS with a padding flag and no length", frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b""),
               breaks(PROTOCOL_ERROR, FRAME_SIZE_ERROR))
    yield Case("6.2 HEADERS with a priority flag and too few bytes", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITY_FLAG, 1, b"\0\0"),
               breaks(FRAME_SIZE_ERROR, PROTOCOL_ERROR))

    yield Case("6.3 PRIORITY of stream 0", priority(0, 1), breaks(PROTOCOL_ERROR))
    yield Case("6.3 PRIORITY of 4 bytes", headers(1, POST, END_HEADERS) + frame(PRIORITY, 0, 1, b"\0\0\0\1"), either(FRAME_SIZE_ERROR))
    yield Case("6.3 PRIORITY of 6 bytes", headers(1, POST, END_HEADERS) + frame(PRIORITY, 0, 1, b"\0\0\0\1\1\1"), either(FRAME_SIZE_ERROR))

    yield Case("6.4 RST_STREAM of stream 0", rst_stream(0), breaks(PROTOCOL_ERROR))
    yield Case("6.4 RST_STREAM of 3 bytes", headers(1, POST, END_HEADERS) + frame(RST_STREAM, 0, 1, b"\0\0\0"), breaks(FRAME_SIZE_ERROR))
    yield Case("6.4 RST_STREAM of 5 bytes", headers(1, POST, END_HEADERS) + frame(RST_STREAM, 0, 1, b"\0" * 5), breaks(FRAME_SIZE_ERROR))
    yield Case("6.4 RST_STREAM with an unknown code", headers(1, POST, END_HEADERS) + rst_stream(1, 0xDEADBEEF) + headers(3, GET), answers(stream=3))

    yield Case("6.6 PUSH_PROMISE of a client", headers(1, POST, END_HEADERS) + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + GET),
               breaks(PROTOCOL_ERROR))


def _connection() -> Iterator[Case]:
    yield Case("6.5 SETTINGS with ACK and a payload", frame(SETTINGS, ACK, 0, b"\0" * 6), breaks(FRAME_SIZE_ERROR))
    yield Case("6.5 SETTINGS of a stream", frame(SETTINGS, 0, 1, b"\0\3\0\0\0\1"), breaks(PROTOCOL_ERROR))
    yield Case("6.5 SETTINGS of 3 bytes", frame(SETTINGS, 0, 0, b"\0\3\0"), breaks(FRAME_SIZE_ERROR))
    yield Case("6.5 SETTINGS of 7 bytes", frame(SETTINGS, 0, 0, b"\0\3\0\0\0\1\0"), breaks(FRAME_SIZE_ERROR))
    yield Case("6.5.2 ENABLE_PUSH of 2", settings((ENABLE_PUSH, 2)), breaks(PROTOCOL_ERROR))
    yield Case("6.5.2 ENABLE_PUSH of 1", settings((ENABLE_PUSH, 1)), Expected(reply=frame(SETTINGS, ACK, 0)))
    yield Case("6.5.2 INITIAL_WINDOW_SIZE above 2^31-1", settings((INITIAL_WINDOW_SIZE, 1 << 31)), breaks(FLOW_CONTROL_ERROR))
    yield Case("6.5.2 MAX_FRAME_SIZE below 16,384", settings((MAX_FRAME_SIZE, 16383)), breaks(PROTOCOL_ERROR))
    yield Case("6.5.2 MAX_FRAME_SIZE above 2^24-1", settings((MAX_FRAME_SIZE, 1 << 24)), breaks(PROTOCOL_ERROR))
    yield Case("6.5.2 MAX_FRAME_SIZE of 2^24-1", settings((MAX_FRAME_SIZE, (1 << 24) - 1)), Expected(reply=frame(SETTINGS, ACK, 0)))
    yield Case("6.5.2 HEADER_TABLE_SIZE of 0", settings((HEADER_TABLE_SIZE, 0)) + headers(1, GET), answers())
    yield Case("6.5.2 HEADER_TABLE_SIZE of 2^32-1", settings((HEADER_TABLE_SIZE, (1 << 32) - 1)) + headers(1, GET), answers())
    yield Case("6.5.2 MAX_CONCURRENT_STREAMS of 0 does not keep a client from asking", settings((MAX_CONCURRENT_STREAMS, 0)) + headers(1, GET), answers())
    yield Case("6.5.2 MAX_HEADER_LIST_SIZE of 1 is advice", settings((MAX_HEADER_LIST_SIZE, 1)), Expected(reply=frame(SETTINGS, ACK, 0)))
    yield Case("6.5.3 SETTINGS is acknowledged", settings(), Expected(reply=frame(SETTINGS, ACK, 0)))
    yield Case("6.5.3 the last value of a setting counts", settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)) + headers(1, GET),
               Expected(status=(200,), body_bytes=1))
    yield Case("6.5.3 an unexpected ACK", frame(SETTINGS, ACK, 0) * 3, Expected(connection_error=(PROTOCOL_ERROR,)))

    yield Case("6.7 PING is answered", ping(b"h2ping!!"), Expected(reply=ping(b"h2ping!!", ACK)))
    yield Case("6.7 PING with ACK is not answered", ping(b"\0" * 8, ACK), GOES_ON)
    yield Case("6.7 PING of a stream", frame(PING, 0, 1, b"\0" * 8), breaks(PROTOCOL_ERROR))
    yield Case("6.7 PING of 6 bytes", frame(PING, 0, 0, b"\0" * 6), breaks(FRAME_SIZE_ERROR))
    yield Case("6.7 PING of 9 bytes", frame(PING, 0, 0, b"\0" * 9), breaks(FRAME_SIZE_ERROR))

    yield Case("6.8 GOAWAY of a stream", frame(GOAWAY, 0, 1, b"\0" * 8), breaks(PROTOCOL_ERROR))
    yield Case("6.8 GOAWAY of 7 bytes", frame(GOAWAY, 0, 0, b"\0" * 7), breaks(FRAME_SIZE_ERROR))
    yield Case("6.8 requests are answered after GOAWAY", headers(1, GET) + goaway(), Expected(status=(200,), last=True))
    yield Case("7 GOAWAY with an unknown code", headers(1, GET) + goaway(0, 0xFF), Expected(status=(200,), last=True))

    yield Case("6.9 WINDOW_UPDATE of 0 for the connection", window_update(0, 0), breaks(PROTOCOL_ERROR))
    yield Case("6.9 WINDOW_UPDATE of 0 for a stream", headers(1, POST, END_HEADERS) + window_update(1, 0), either(PROTOCOL_ERROR))
    yield Case("6.9 WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), breaks(FRAME_SIZE_ERROR))
    yield Case("6.9.1 the server keeps to a window of 1", settings((INITIAL_WINDOW_SIZE, 1)) + headers(1, GET), Expected(status=(200,), body_bytes=1))
    yield Case("6.9.1 the server keeps to a window of 0", settings((INITIAL_WINDOW_SIZE, 0)) + headers(1, GET), Expected(status=(200,), body_bytes=0),
               window_update(1, 2), Expected(body_bytes=2))
    yield Case("6.9.1 the connection's window above 2^31-1", window_update(0, (1 << 31) - 1) * 2, breaks(FLOW_CONTROL_ERROR))
    yield Case("6.9.1 a stream's window above 2^31-1", headers(1, POST, END_HEADERS) + window_update(1, (1 << 31) - 1) * 2, resets(FLOW_CONTROL_ERROR))
    yield Case("6.9.2 a larger initial window counts for open streams", settings((INITIAL_WINDOW_SIZE, 0)) + headers(1, GET),
               Expected(status=(200,), body_bytes=0), settings((INITIAL_WINDOW_SIZE, 1)), Expected(body_bytes=1))
    yield Case("6.9.2 a window can become negative", settings((INITIAL_WINDOW_SIZE, 3)) + headers(1, GET), Expected(status=(200,), body_bytes=3),
               settings((INITIAL_WINDOW_SIZE, 2)) + window_update(1, 2), Expected(body_bytes=1))
    yield Case("6.9.2 a window grows above 2^31-1 by SETTINGS", settings((INITIAL_WINDOW_SIZE, 0)) + headers(1, POST, END_HEADERS)
               + window_update(1, (1 << 31) - 1) + settings((INITIAL_WINDOW_SIZE, 1)), either(FLOW_CONTROL_ERROR))
    yield Case("6.9.1 a body of more than the server's window", headers(1, POST, END_HEADERS) + data(1, b" " * 16384, 0) * 40,
               Expected(connection_error=(FLOW_CONTROL_ERROR,), stream_error=(FLOW_CONTROL_ERROR,), status=(400, 413, 415, 422)))

    yield Case("6.10 several CONTINUATION frames", headers(1, GET, END_STREAM) + continuation(1, literal("x-a", "1"), 0)
               + continuation(1, literal("x-b", "1"), 0) + continuation(1, literal("x-c", "1")), answers())
    yield Case("6.10 a field that is cut by CONTINUATION", headers(1, GET[:7], END_STREAM) + continuation(1, GET[7:]), answers())
    yield Case("6.10 an empty CONTINUATION", headers(1, GET, END_STREAM) + continuation(1, b""), answers())
    yield Case("6.10 CONTINUATION and then another frame", headers(1, GET, END_STREAM) + continuation(1, literal("x-a", "1"), 0) + data(1, b"x"),
               breaks(PROTOCOL_ERROR))
    yield Case("6.10 CONTINUATION of stream 0", headers(1, GET, END_STREAM) + continuation(0, b""), breaks(PROTOCOL_ERROR))
    yield Case("6.10 CONTINUATION of another stream", headers(1, GET, END_STREAM) + continuation(3, b""), breaks(PROTOCOL_ERROR))
    yield Case("6.10 CONTINUATION after HEADERS with END_HEADERS", headers(1, POST, END_HEADERS) + continuation(1, literal("x-a", "1")),
               breaks(PROTOCOL_ERROR))
    yield Case("6.10 CONTINUATION after CONTINUATION with END_HEADERS", headers(1, POST, 0) + continuation(1, b"") + continuation(1, b""),
               breaks(PROTOCOL_ERROR))
    yield Case("6.10 CONTINUATION after DATA", headers(1, POST, END_HEADERS) + data(1, b"x", 0) + continuation(1, b""), breaks(PROTOCOL_ERROR))


def _messages() -> Iterator[Case]:
    yield Case("8.1 a second HEADERS without END_STREAM", headers(1, POST, END_HEADERS) + headers(1, literal("x-a", "b"), END_HEADERS),
               resets(PROTOCOL_ERROR))
    yield Case("8.1 trailers", headers(1, POST, END_HEADERS) + data(1, b"{}", 0) + headers(1, literal("x-a", "b")), answers(400, 415, 422))
    yield Case("8.1 trailers with a pseudo-header field", headers(1, POST, END_HEADERS) + data(1, b"{}", 0) + headers(1, literal(":method", "GET")),
               resets(PROTOCOL_ERROR))
    yield Case("8.1 trailers with an uppercase name", headers(1, POST, END_HEADERS) + data(1, b"{}", 0) + headers(1, literal("X-A", "b")),
               resets(PROTOCOL_ERROR))
    yield Case("8.1 DATA after trailers", headers(1, POST, END_HEADERS) + headers(1, literal("x-a", "b")) + data(1, b"x"), either(STREAM_CLOSED))
    yield Case("8.1 HEAD has no body", headers(1, HEAD), Expected(status=(200, 405), body_bytes=0))

    for name in ("X-A", "x a", "x\ra", "x\na", "x\x00a", "x:a", "x\x7fa", "x\u00e4", " x", ""):
        yield Case(f"8.2.1 the name {name!r}", *malformed((name.encode("latin-1"), "b")))
    for value in (b"a\rb", b"a\nb", b"a\x00b", b"a\r\nimpersonate-user: b", b" a", b"a ", b"\ta"):
        yield Case(f"8.2.1 the value {value!r}", *malformed(("x-a", value)))
    yield Case("8.2.1 a value of other bytes is taken", headers(1, GET + literal("x-a", b"\xe4\xff b")), answers())

    for name, value in (("connection", "keep-alive"), ("proxy-connection", "keep-alive"), ("keep-alive", "1"), ("transfer-encoding", "chunked"),
                        ("upgrade", "h2c"), ("te", "trailers, deflate"), ("te", "gzip")):
        yield Case(f"8.2.2 {name}: {value}", *malformed((name, value)))
    yield Case("8.2.2 te: trailers is allowed", headers(1, GET + literal("te", "trailers")), answers())
    yield Case("8.2.3 a cookie in pieces", headers(1, GET + literal("cookie", "a=b") + literal("cookie", "c=d")), answers())

    yield Case("8.3 an unknown pseudo-header field", *malformed((":test", "a")))
    yield Case("8.3 a pseudo-header field of responses", *malformed((":status", "200")))
    yield Case("8.3 a pseudo-header field like an impersonation", *malformed((":impersonate-user", "a")))
    yield Case("8.3 a pseudo-header field after others",
               headers(1, block([(":method", "GET"), (":scheme", "https"), ("x-a", "b"), (":path", PATH), (":authority", "a")])), resets(PROTOCOL_ERROR))
    for name in ("method", "scheme", "path"):
        yield Case(f"8.3.1 without :{name}", *malformed(**{name: None}))
        yield Case(f"8.3.1 :{name} twice", headers(1, block([*request_fields(), (f":{name}", dict(request_fields())[f":{name}"])])), resets(PROTOCOL_ERROR))
    yield Case("8.3.1 :authority twice", headers(1, block([*request_fields(), (":authority", "127.0.0.1")])), resets(PROTOCOL_ERROR))
    yield Case("8.3.1 an empty :path", *malformed(path=""))
    yield Case("8.3.1 an empty :method", *malformed(method=""))
    yield Case("8.3.1 an empty :scheme", *malformed(scheme=""))
    for path in ("no-slash", "/a b", "/a\x00", "/a\r\nb", "*"):
        yield Case(f"8.3.1 :path {path!r}", headers(1, block(request_fields(path=path))),
                   Expected(stream_error=(PROTOCOL_ERROR,), status=(400, 404)))
    for method in ("GE T", "G\x00", "G\r\n"):
        yield Case(f"8.3.1 :method {method!r}", headers(1, block(request_fields(method))), Expected(stream_error=(PROTOCOL_ERROR,), status=(400,)))
    yield Case("8.3.1 host beside :authority, another one", headers(1, GET + literal("host", "other")), Expected(stream_error=(PROTOCOL_ERROR,), status=(400, 421)))
    yield Case("8.3.1 host beside :authority, the same", headers(1, GET + literal("host", "127.0.0.1")), answers())
    yield Case("8.3.1 host instead of :authority", headers(1, block([*request_fields(authority=None), ("host", "127.0.0.1")])), answers())
    yield Case("8.3.1 host twice", headers(1, block([*request_fields(authority=None), ("host", "a"), ("host", "a")])),
               Expected(stream_error=(PROTOCOL_ERROR,), status=(400,)))

    yield Case("8.5 CONNECT", headers(1, block([(":method", "CONNECT"), (":authority", "127.0.0.1:22")])),
               Expected(stream_error=(PROTOCOL_ERROR, CANCEL), status=(400, 403, 404, 405, 501)))
    yield Case("8.5 CONNECT with :path", headers(1, block(request_fields("CONNECT"))), resets(PROTOCOL_ERROR))
    yield Case("RFC 8441 extended CONNECT where it was not offered", headers(1, block([*request_fields("CONNECT"), (":protocol", "websocket")]), END_HEADERS),
               resets(PROTOCOL_ERROR))

    for lengths, body in ((["1"], b"{}"), (["3"], b"{}"), (["2", "3"], b"{}"), (["2", "2"], b"{}"), (["+2"], b"{}"), (["-2"], b"{}"), (["0x2"], b"{}"),
                          ([""], b"{}"), (["2,2"], b"{}"), (["99999999999999999999"], b"{}")):
        yield Case(f"8.1.1 content-length {lengths} and a body of {len(body)}",
                   headers(1, POST + block(("content-length", n) for n in lengths), END_HEADERS) + data(1, body), resets(PROTOCOL_ERROR))
    yield Case("8.1.1 content-length over several DATA frames",
               headers(1, POST + literal("content-length", "1"), END_HEADERS) + data(1, b"{", 0) + data(1, b"}"), resets(PROTOCOL_ERROR))
    yield Case("8.1.1 content-length and no body at all", headers(1, POST + literal("content-length", "2")), resets(PROTOCOL_ERROR))
    yield Case("8.1.1 content-length that is right", headers(1, POST + literal("content-length", "2"), END_HEADERS) + data(1, b"{}"), answers(400, 415, 422))


def _hpack() -> Iterator[Case]:
    yield Case("RFC 7541 2.3.3 an index beyond the tables", headers(1, GET + integer(70, 7, 0x80)), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 2.3.3 a name's index beyond the tables", headers(1, GET + integer(70, 6, 0x40) + text(b"x")), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 4.2 a table size after the first field", headers(1, GET + b"\x20"), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 4.2 a table size before the first field", headers(1, b"\x20" + GET), answers())
    yield Case("RFC 7541 5.1 an integer without an end", headers(1, GET + b"\x7f" + b"\xff" * 12 + b"\x01"), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 5.2 a string longer than the block", headers(1, GET + b"\x00\x01a\x7fxx"), breaks(COMPRESSION_ERROR))
    padded_long, padded_zero, end_of_string = b"\x82\x1f\xff", b"\x81\x18", b"\x84\xff\xff\xff\xff"  # "a" and "a"
    yield Case("RFC 7541 5.2 Huffman padding of more than 7 bits", headers(1, GET + b"\x00\x01a" + padded_long), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 5.2 Huffman padding of zeros", headers(1, GET + b"\x00\x01a" + padded_zero), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 5.2 Huffman with the end-of-string code", headers(1, GET + b"\x00\x01a" + end_of_string), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 6.1 index 0", headers(1, GET + b"\x80"), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 6.1 static fields", headers(1, b"\x82\x87" + literal(":path", PATH) + literal(":authority", "a")), answers())
    yield Case("RFC 7541 6.2.1 a field that is indexed and used again",
               headers(1, GET + b"\x40" + text(b"x-again") + text(b"1")) + headers(3, GET + integer(62, 7, 0x80)), answers(stream=3))
    yield Case("RFC 7541 4.4 a field larger than the table empties it",
               headers(1, GET + b"\x40" + text(b"x-a") + text(b"1") + b"\x40" + text(b"x-b") + text(b"b" * 5000) + integer(62, 7, 0x80)),
               breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 6.3 a table size above the setting", headers(1, integer(4097, 5, 0x20) + GET), breaks(COMPRESSION_ERROR))
    yield Case("RFC 7541 6.3 the table size of the setting", headers(1, integer(4096, 5, 0x20) + GET), answers())


def _limits() -> Iterator[Case]:
    big = literal("x-a", "b" * 8000)
    yield Case("a header block of 72 KB is answered with 431", headers(1, GET + big, END_STREAM) + continuation(1, big, 0) * 7 + continuation(1, big),
               answers(431))
    yield Case("600 fields are answered with 431", headers(1, GET, END_STREAM) + continuation(1, literal("x", "y") * 600), answers(431))
    bomb = headers(1, GET + b"\x40" + text(b"x-a") + text(b"b" * 4000), END_STREAM) + continuation(1, integer(62, 7, 0x80) * 16000)
    yield Case("a header block that unpacks to 64 MB", bomb, Expected(stream_error=(PROTOCOL_ERROR, 2, ENHANCE_YOUR_CALM),
                                                                     connection_error=(COMPRESSION_ERROR, ENHANCE_YOUR_CALM), status=(431,)))
    # These are attacks: the connection ends, with or without a word.
    calm = Expected(connection_error=(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, 2), without_goaway=True)
    yield Case("CONTINUATION without end", headers(1, GET, END_STREAM) + continuation(1, literal("x", "y"), 0) * 1000, calm)
    yield Case("empty CONTINUATION without end", headers(1, GET, END_STREAM) + continuation(1, b"", 0) * 1000, calm)
    yield Case("SETTINGS with 33 entries", settings(*[(0xF0, 1)] * 33), calm)
    yield Case("SETTINGS with 32 entries", settings(*[(0xF0, 1)] * 32), Expected(reply=frame(SETTINGS, ACK, 0)))
    yield Case("10,000 empty DATA frames", headers(1, POST, END_HEADERS) + data(1, b"", 0) * 10_000 + data(1, b"{}"), answers(400, 415, 422))
    yield Case("10,000 PRIORITY frames", priority(1, 0) * 10_000 + headers(1, GET), answers())
    yield Case("10,000 unknown frames", frame(0x16, 0, 0) * 10_000 + headers(1, GET), answers())
    yield Case("10,000 WINDOW_UPDATE frames", window_update(0, 1) * 10_000 + headers(1, GET), answers())


def all_cases() -> list[Case]:
    return [*_frames(), *_states(), *_data_and_headers(), *_connection(), *_messages(), *_hpack(), *_limits()]
