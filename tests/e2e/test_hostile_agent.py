# SPDX-License-Identifier: Apache-2.0
"""The tunnel port, and Agents that are not honest: what they say stays in their own cluster, and the hub lives."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from e2e.support import http2, wait
from e2e.support.client import Answer, Client, Connection, Key, Login, exchange
from e2e.support.hostile_agent import CA, ENROL, HELLO, OK, HostileLane, Registered, message, tunnel_name
from e2e.support.http2 import Ended, Wire
from e2e.support.http2_cases import Case, all_cases
from e2e.support.hub import Hub
from e2e.support.pki import Authority


@pytest.fixture(scope="module")
def agents(lone_admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registered, Registered]]:
    """Of two clusters, `evil` and `good`."""
    made = []
    for name in ("evil", "good"):
        lone_admin.create("clusters", name)
        made.append(Registered(lone_admin, name, tmp_path_factory.mktemp(name)))
    yield made[0], made[1]
    for name in ("evil", "good"):
        lone_admin.delete("clusters", name)


@pytest.fixture
def evil(agents: tuple[Registered, Registered]) -> Registered:
    return agents[0]


@pytest.fixture
def good(agents: tuple[Registered, Registered]) -> Registered:
    return agents[1]


def unserved(wire: Wire) -> bool:
    """The hub closes the connection and says nothing of HTTP/2 on it."""
    try:
        return wire._take(1) == b""  # noqa: SLF001
    except Ended:
        return True


# Who may come


def test_a_registered_agent_is_served(evil: Registered) -> None:
    lane = HostileLane(evil).ready()
    assert lane.control == 1
    lane.wire.close()


def test_a_certificate_of_another_cluster_is_refused(lone_hub: Hub, evil: Registered, good: Registered) -> None:
    assert unserved(evil.dial(cluster="good"))
    assert unserved(good.dial(cluster="evil"))
    assert unserved(evil.dial(cluster="no-such-cluster"))
    wait.until("the hub says why", lambda: "lane refused" in lone_hub.text() and "not of this cluster" in lone_hub.text())


def strangers(evil: Registered, login: Login, folder: Path) -> dict[str, Path]:
    uid = "0a1b2c3d-0000-4000-8000-000000000001"
    own, same_name = Authority("roadstead agents authority"), Authority("x")
    forged = own.issue("evil", uris=[f"roadstead://cluster/evil/{uid}"]).write(folder / "forged.pem")
    self_signed = same_name.issue("evil", uris=[f"roadstead://cluster/evil/{uid}"], ca=True).write(folder / "self.pem")
    return {"another CA of the same name": forged, "a stranger's": self_signed, "a person's": login.credential}


@pytest.mark.parametrize("who", ["another CA of the same name", "a stranger's", "a person's"])
def test_other_certificates_are_refused(evil: Registered, lone_admin: Client, tmp_path: Path, who: str) -> None:
    context = evil.context(credential=strangers(evil, lone_admin.login, tmp_path)[who])
    try:
        wire = evil.dial(context=context)
    except ssl.SSLError:
        return
    assert unserved(wire)


def test_without_a_certificate_nobody_is_served(evil: Registered) -> None:
    context = ssl.create_default_context(cadata=evil.roots)
    context.set_alpn_protocols(["roadstead-tunnel/1"])
    try:
        wire = evil.dial(context=context)
    except ssl.SSLError:
        return
    assert unserved(wire)


@pytest.mark.parametrize("alpn", ["h2", "http/1.1", ""])
def test_only_the_tunnel_protocol_is_spoken(evil: Registered, alpn: str) -> None:
    context = evil.context()
    context.set_alpn_protocols([alpn] if alpn else ["x"])
    try:
        wire = evil.dial(context=context)
    except ssl.SSLError:
        return
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert unserved(wire)


def test_tls_1_2_is_not_enough(evil: Registered) -> None:
    context = evil.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        evil.dial(context=context)


def test_an_agents_certificate_is_nothing_at_the_other_doors(evil: Registered, lone_admin: Client) -> None:
    context = evil.context("http/1.1")
    for name in (lone_admin.tls_name, f"evil.{lone_admin.login.zone}"):
        answer = exchange(Connection(lone_admin.address, name, context), "GET", "/apis/roadstead.io/v1alpha1/users")
        assert answer.status in (401, 404), answer.text
    answer = exchange(Connection(lone_admin.address, ENROL, context), "GET", "/apis/roadstead.io/v1alpha1/users")
    assert answer.status in (401, 404)


def test_a_session_of_one_domain_is_not_resumed_in_another(evil: Registered, good: Registered, lone_admin: Client) -> None:
    """Ticket keys and session contexts differ, so a session only shortens a handshake in its own domain."""
    context = evil.context("roadstead-tunnel/1", "http/1.1")
    context.load_verify_locations(cadata=lone_admin.login.roots.read_text())
    lane = http2.connect(lone_admin.address, tunnel_name("evil"), context)
    lane._take(1)  # noqa: SLF001 - the ticket comes with the first bytes
    session = lane.tls.session
    assert session is not None and session.has_ticket
    lane.close()

    def resumed(name: str) -> tuple[bool, bytes]:
        with socket.create_connection(lone_admin.address, 5) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=name, session=session) as tls:
                    tls.settimeout(1)
                    try:
                        return bool(tls.session_reused), tls.recv(1)
                    except TimeoutError:
                        return bool(tls.session_reused), b""
            except (ssl.SSLError, ConnectionError):
                return False, b""

    assert resumed(tunnel_name("evil")) == (True, b"P"), "a lane is resumed, and the hub begins with its preface"
    assert resumed(tunnel_name("good"))[1] == b"", "a lane of another cluster on a resumed session"
    for name in (ENROL, lone_admin.tls_name, f"evil.{lone_admin.login.zone}"):
        assert not resumed(name)[0], name


# Enrolment


@pytest.mark.parametrize("fields", [
    {}, {"Authorization": "Bearer "}, {"Authorization": "Bearer rst_" + "A" * 43}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer " + "x" * 60_000},
    {"Authorization": "Bearer rst_\u00e9"},
], ids=["none", "empty", "unknown", "Basic", "long", "other letters"])
def test_enrolment_needs_a_token(evil: Registered, lone_admin: Client, fields: dict[str, str]) -> None:
    context = ssl.create_default_context(cadata=evil.roots)
    answer = exchange(Connection(lone_admin.address, ENROL, context), "POST", "/enrol/v1/certificate",
                      {"cluster": "evil", "csr": Key().csr(), "replica": "a"}, {k: v.encode("latin-1") for k, v in fields.items()})  # type: ignore[misc]
    assert answer.status in (401, 431) and (answer.status == 431 or answer.json["kind"] == "Status"), answer.text


@pytest.mark.parametrize("csr", ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"])
def test_a_token_survives_a_request_that_is_none(lone_admin: Client, evil: Registered, csr: str) -> None:
    fresh = Registered.__new__(Registered)
    registration = lone_admin.register("evil")["manifest"]
    fresh.token = _token(registration)
    context = ssl.create_default_context(cadata=evil.roots)

    def ask(text: str) -> Answer:
        return exchange(Connection(lone_admin.address, ENROL, context), "POST", "/enrol/v1/certificate",
                        {"cluster": "evil", "csr": text, "replica": "a", "apiServerCAFingerprint": CA}, {"Authorization": f"Bearer {fresh.token}"})

    assert ask(csr).status == 400
    assert ask(Key().csr()).status == 200


def test_a_token_is_for_its_own_cluster_only(lone_admin: Client, evil: Registered) -> None:
    token = _token(lone_admin.register("good")["manifest"])
    context = ssl.create_default_context(cadata=evil.roots)
    answer = exchange(Connection(lone_admin.address, ENROL, context), "POST", "/enrol/v1/certificate",
                      {"cluster": "evil", "csr": Key().csr(), "replica": "a"}, {"Authorization": f"Bearer {token}"})
    assert answer.status in (401, 403, 410), answer.text


def test_a_certificate_says_what_the_hub_knows_and_not_what_the_request_says(lone_admin: Client, evil: Registered) -> None:
    context = ssl.create_default_context(cadata=evil.roots)
    answer = exchange(Connection(lone_admin.address, ENROL, context), "POST", "/enrol/v1/certificate",
                      {"cluster": "evil", "csr": Key().csr("system:masters"), "replica": "a", "apiServerCAFingerprint": CA},
                      {"Authorization": f"Bearer {_token(lone_admin.register('evil')['manifest'])}"})
    [leaf] = x509.load_pem_x509_certificates(answer.json["certificate"].encode())
    assert "system:masters" not in leaf.subject.rfc4514_string()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(n.value) for n in names] == [f"roadstead://cluster/evil/{lone_admin.object('clusters', 'evil')['metadata']['uid']}"]


def _token(manifest: str) -> str:
    secret = next(d for d in yaml.safe_load_all(manifest) if d and d["kind"] == "Secret")
    return base64.b64decode(secret["data"]["token"]).decode()


# Frames: what a server must not say, and everything that a client must not


STREAM = http2.block([(":status", "200"), ("content-type", "text/plain")])
SERVER_CASES = [
    Case("PUSH_PROMISE", http2.frame(http2.PUSH_PROMISE, http2.END_HEADERS, 1, b"\0\0\0\2" + http2.block([(":method", "GET")]))),
    Case("HEADERS of a stream that nobody opened", http2.headers(7, OK)),
    Case("HEADERS of an even stream", http2.headers(2, OK)),
    Case("an answer without a status", http2.headers(1, http2.block([("a", "b")]))),
    Case("an answer with a status in words", http2.headers(1, http2.block([(":status", "abc")]))),
    Case("an answer 101", http2.headers(1, http2.block([(":status", "101")]))),
    Case("an answer with :path", http2.headers(1, http2.block([(":status", "200"), (":path", "/")]))),
    Case("interim answers without end", http2.headers(1, http2.block([(":status", "100")]), http2.END_HEADERS) * 20_000),
    Case("a length of 4 GiB on the control stream", http2.headers(1, OK, http2.END_HEADERS) + http2.data(1, b"\xff\xff\xff\xff", 0)),
    Case("a hello of lists", http2.headers(1, OK, http2.END_HEADERS) + http2.data(1, message({k: [v] for k, v in HELLO.items()} | {"type": "hello"}), 0)),
    Case("a hello with long words", http2.headers(1, OK, http2.END_HEADERS) + b"".join(
        http2.data(1, part, 0) for part in (lambda m: [m[i:i + 16384] for i in range(0, len(m), 16384)])(message({**HELLO, "replica": "x" * 200_000})))),
    Case("no hello, a report", http2.headers(1, OK, http2.END_HEADERS) + http2.data(1, message({"type": "apiserver", "reachable": True}), 0)),
    Case("1,000 messages", http2.headers(1, OK, http2.END_HEADERS) + http2.data(1, message(HELLO), 0)
         + http2.data(1, message({"type": "retire"}), 0) * 1000),
    Case("a request for a certificate of nonsense", http2.headers(1, OK, http2.END_HEADERS) + http2.data(1, message(HELLO) + message({"type": "renew", "csr": "x"}), 0)),
    Case("the control stream ends", http2.headers(1, OK)),
    Case("MAX_CONCURRENT_STREAMS of 0", http2.settings((http2.MAX_CONCURRENT_STREAMS, 0))),
    Case("INITIAL_WINDOW_SIZE of 0", http2.settings((http2.INITIAL_WINDOW_SIZE, 0))),
    Case("100,000 RST_STREAM", http2.rst_stream(1) * 100_000),
    Case("100,000 PING", http2.ping() * 100_000),
    Case("100,000 SETTINGS", http2.settings() * 100_000),
    Case("100,000 WINDOW_UPDATE", http2.window_update(0, 1) * 100_000),
]
TUNNEL_CASES = SERVER_CASES + all_cases()


@pytest.mark.parametrize("case", TUNNEL_CASES, ids=lambda case: case.name)
def test_a_lane_that_breaks_http2_harms_itself_only(lone_hub: Hub, evil: Registered, quiet: Wire, case: Case) -> None:
    lane = HostileLane(evil)
    lane.skip_preface()
    lane.wire.send(case.send)
    lane.drain(0.05)
    lane.wire.close()
    assert lone_hub.running
    still_there(quiet)


@pytest.fixture(scope="module")
def quiet(agents: tuple[Registered, Registered]) -> Iterator[Wire]:
    """A lane of the good cluster, open all the time."""
    lane = HostileLane(agents[1]).ready()
    yield lane.wire
    lane.wire.close()


def still_there(wire: Wire) -> None:
    wire.more_time(10)
    wire.send(http2.ping(b"neighbor"))
    while (frame := wire.read()).payload != b"neighbor":
        assert frame.kind != http2.GOAWAY
        if frame.kind == http2.PING:
            wire.send(http2.ping(frame.payload, http2.ACK))


def test_after_all_this_the_hub_is_small_and_well(lone_hub: Hub, lone_admin: Client) -> None:
    assert lone_admin.raw("GET", "/apis/roadstead.io/v1alpha1/clusters").status == 200
    assert lone_hub.resident_bytes() < 400 * 2**20, lone_hub.resident_bytes()


# Answers


@pytest.fixture
def serving(evil: Registered, lone_admin: Client) -> Iterator[HostileLane]:
    lane = HostileLane(evil).ready()
    wait.until("the lane counts", lambda: [a for a in lone_admin.object("clusters", "evil").get("status", {}).get("agents", []) if a.get("lanes", 0) > 0])
    yield lane
    lane.wire.close()


END = http2.END_HEADERS | http2.END_STREAM
MORE = http2.END_HEADERS
ANSWERS: dict[str, Any] = {
    "no status": lambda s: http2.headers(s, http2.block([("a", "b")])),
    "status 101": lambda s: http2.headers(s, http2.block([(":status", "101"), ("upgrade", "websocket")])),
    "status 099": lambda s: http2.headers(s, http2.block([(":status", "099")])),
    "CR LF in a field": lambda s: http2.headers(s, http2.block([(":status", "200"), ("x-a", b"b\r\nset-cookie: c=d\r\n\r\n<script>")])),
    "CR LF in a name": lambda s: http2.headers(s, http2.block([(":status", "200"), (b"x-a\r\nset-cookie", "c=d")])),
    "connection": lambda s: http2.headers(s, http2.block([(":status", "200"), ("connection", "close")])),
    "transfer-encoding": lambda s: http2.headers(s, http2.block([(":status", "200"), ("transfer-encoding", "chunked")]), MORE) + http2.data(s, b"0\r\n\r\n"),
    "a length that is too long": lambda s: http2.headers(s, http2.block([(":status", "200"), ("content-length", "100")]), MORE) + http2.data(s, b"x"),
    "a length that is too short": lambda s: http2.headers(s, http2.block([(":status", "200"), ("content-length", "1")]), MORE)
    + http2.data(s, b"xHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"),
    "two lengths": lambda s: http2.headers(s, http2.block([(":status", "200"), ("content-length", "1"), ("content-length", "2")]), MORE) + http2.data(s, b"xy"),
    "a field block of 300 KB": lambda s: http2.headers(s, http2.block([(":status", "200")]), http2.END_STREAM)
    + http2.continuation(s, http2.field("x-a", "b" * 16000), 0) * 6 + http2.continuation(s, http2.field("x-a", "b" * 16000)),
    "a reset": lambda s: http2.rst_stream(s, http2.INTERNAL_ERROR),
    "an error of the Agent that does not exist": lambda s: http2.headers(s, http2.block([(":status", "502"), ("rs-error", "x" * 5000)])),
    "an upgrade that nobody asked for": lambda s: http2.headers(s, http2.block([(":status", "200"), ("rs-upgraded", "1")]), MORE) + http2.data(s, b"<script>"),
}


@pytest.mark.parametrize("form", ANSWERS)
def test_an_agents_wrong_answer_is_an_error_of_its_cluster(serving: HostileLane, lone_hub: Hub, lone_admin: Client, form: str) -> None:
    seen: list[Any] = []

    def ask() -> None:
        try:
            seen.append(Client(lone_admin.login, "evil").raw("POST", "/api/v1/namespaces", b"{}"))
        except Exception as error:  # noqa: BLE001 - a connection that breaks is an answer, too
            seen.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    stream, fields = serving.next_request()
    assert fields[":path"] == "/api/v1/namespaces" and "rs-identity" in fields
    serving.wire.send(ANSWERS[form](stream))
    serving.drain(0.5)
    serving.wire.close()
    asking.join(15)
    assert not asking.is_alive() and lone_hub.running
    [answer] = seen
    if isinstance(answer, Answer):
        assert answer.status in (502, 503, 504) and answer.json["kind"] == "Status", (answer.status, answer.text[:300])
        assert answer.headers.get("Set-Cookie") is None and answer.headers.get("rs-upgraded") is None
    assert lone_admin.raw("GET", "/apis/roadstead.io/v1alpha1/clusters").status == 200


def test_no_cluster_can_make_itself_look_like_another(evil: Registered, lone_admin: Client) -> None:
    lane = HostileLane(evil).ready({**HELLO, "cluster": "good", "replica": "<script>alert(1)</script>\r\nx", "software": "y\x00z"})
    wait.until("the lane counts", lambda: lone_admin.object("clusters", "evil").get("status", {}).get("agents"))
    assert not [a for a in lone_admin.object("clusters", "good").get("status", {}).get("agents", []) if "script" in a["replica"]]
    lane.wire.close()
