# SPDX-License-Identifier: Apache-2.0
"""A hub that is not honest: what it asks of a real Agent reaches the member in somebody's own name or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from e2e.support import http2, wait
from e2e.support.fake_member import FakeMember
from e2e.support.hostile_hub import ALPN, CLUSTER, UID, Closed, HostileHub, Lane, field_of, random_binding
from e2e.support.http2_cases import all_cases
from e2e.support.lone_site import LoneAgent
from e2e.support.pki import Authority

ANN = "rs:ann:11111111"


class Scene:
    """A dishonest hub, a real Agent that trusts it, and a fake API server that keeps every byte."""

    def __init__(self, folder: Path) -> None:
        self.hub = HostileHub()
        self.member = FakeMember(folder / "member")
        self.agent = LoneAgent(folder, self.member.kubeconfig())
        self.hub.write_state(self.agent.state)
        self.agent.start()
        self.lane = self.hub.accept()

    def renew_lane(self) -> Lane:
        """Another connection: the Agent dials again when it has lost its lane."""
        self.lane.close()
        self.lane = self.hub.accept(seconds=20)
        return self.lane

    def close(self) -> None:
        self.agent.kill()
        self.hub.close()
        self.member.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("hub"))
    yield made
    made.close()


_numbers = iter(range(2, 1 << 30))


def number() -> str:
    """One that no context of this run had."""
    return f"{next(_numbers):016x}"


@pytest.fixture
def context(scene: Scene) -> dict[str, Any]:
    """A good context of ann."""
    return scene.lane.context(scene.hub.person().pem, ANN, id=number())


@pytest.fixture
def ann(scene: Scene, context: dict[str, Any]) -> str:
    """The identity field of ann on this lane."""
    scene.member.requests.clear()
    assert scene.lane.introduce(context).status == 200
    return field_of(context)


def test_an_honest_context_is_taken(scene: Scene, ann: str) -> None:
    assert scene.lane.request("/api/v1/pods", ann).status == 200
    [request] = scene.member.of_people()
    assert request.fields("impersonate-user") == [ANN] and not request.fields("impersonate-group")


def certified(**options: Any) -> Callable[[Scene], str]:
    return lambda scene: scene.hub.person(**options).pem


LIES: dict[str, dict[str, Any] | Callable[[Scene], dict[str, Any]]] = {
    "another lane": lambda _: {"binding": random_binding()},
    "no lane": {"binding": ""},
    "another audience": {"audience": "0a1b2c3d-0000-4000-8000-000000000002"},
    "no audience": {"audience": ""},
    "another authority": lambda _: {"proof": {"certificates": Authority("user authority").issue(
        "ann", uris=["roadstead://user/ann/11111111-0000-4000-8000-000000000001"]).pem}},
    "the authority of Agents": lambda s: {"proof": {"certificates": s.hub.agents.issue(
        "ann", uris=["roadstead://user/ann/11111111-0000-4000-8000-000000000001"]).pem}},
    "expired": lambda s: {"proof": {"certificates": s.hub.person(starts=-7200, ends=-5).pem}},
    "not valid yet": lambda s: {"proof": {"certificates": s.hub.person(starts=3600, ends=7200).pem}},
    "a server's certificate": lambda s: {"proof": {"certificates": s.hub.person(client=False, server=True).pem}},
    "an Agent's certificate": lambda s: {"proof": {"certificates": s.hub.person(uris=[f"roadstead://cluster/ann/{UID}"]).pem}},
    "a certificate without a name": lambda s: {"proof": {"certificates": s.hub.person(uris=[]).pem}},
    "a certificate with two names": lambda s: {"proof": {"certificates": s.hub.person(uris=[
        "roadstead://user/ann/11111111-0000-4000-8000-000000000001", "roadstead://user/eve/11111111-0000-4000-8000-000000000001"]).pem}},
    "issued by a person": lambda s: {"proof": {"certificates": _issued_by_a_person(s)}},
    "no proof": {"proof": {}},
    "a proof that is no PEM": {"proof": {"certificates": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}},
    "another user": {"user": "rs:eve:11111111"},
    "no user": {"user": ""},
    "the user system:admin": {"user": "system:admin"},
    "a group that is not in the certificate": {"groups": ["rs:group:admins:11111111"]},
    "the group system:masters": {"groups": ["system:masters"]},
    "system:masters in the certificate": lambda s: {"groups": ["system:masters"], "proof": {"certificates": s.hub.person(
        organizations=["system:masters"]).pem}},
    "a login system:admin in the certificate": lambda s: {"user": "rs:system:admin:11111111", "proof": {"certificates": s.hub.person(
        "system:admin").pem}},
    "CR LF in the user": {"user": "rs:ann:11111111\r\nImpersonate-Group: system:masters"},
    "NUL in the user": {"user": "rs:ann:11111111\x00"},
    "CR LF in the certificate": lambda s: {"user": "rs:a\r\nImpersonate-Group: b:11111111", "proof": {"certificates": s.hub.person(
        "a\r\nImpersonate-Group: b").pem}},
    "NUL in the certificate": lambda s: {"user": "rs:a\x00b:11111111", "proof": {"certificates": s.hub.person("a\x00b").pem}},
    "CR LF in a group of the certificate": lambda s: {"groups": ["rs:group:a\r\nb:11111111"], "proof": {"certificates": s.hub.person(
        organizations=["a\r\nb:11111111-0000-4000-8000-000000000001"]).pem}},
    "other letters in the certificate's group": lambda s: {"groups": ["rs:group:\u00fc:11111111"], "proof": {"certificates": s.hub.person(
        organizations=["\u00fc:11111111-0000-4000-8000-000000000001"]).pem}},
    "65 groups": lambda s: {"groups": [f"rs:group:g{n}:11111111" for n in range(65)], "proof": {"certificates": s.hub.person(
        organizations=[f"g{n}:11111111-0000-4000-8000-000000000001" for n in range(65)]).pem}},
    "a life of 61 s": {"lifetimeSeconds": 61},
    "a life of 0 s": {"lifetimeSeconds": 0},
    "a life of -1 s": {"lifetimeSeconds": -1},
    "a life of 2^63 s": {"lifetimeSeconds": (1 << 63) - 1},
    "a life in words": {"lifetimeSeconds": "60"},
    "no number": {"id": ""},
    "a number that is none": {"id": "00000000000000zz"},
    "a negative number": {"id": "-000000000000001"},
    "groups that are no list": {"groups": "system:masters"},
    "groups that are no words": {"groups": [{"a": 1}]},
}
TAKEN_AS_NONE = {"groups that are no list"}  # read as no groups, which is what the certificate says


def _issued_by_a_person(scene: Scene) -> str:
    person = scene.hub.person()
    forger = Authority("ann", key=person.key)
    forger.certificate = person.certificate
    forged = forger.issue("eve", uris=["roadstead://user/ann/11111111-0000-4000-8000-000000000001"])
    return forged.pem + person.pem


@pytest.mark.parametrize("lie", LIES)
def test_a_context_that_lies_is_refused(scene: Scene, context: dict[str, Any], lie: str) -> None:
    change = LIES[lie]
    context.update(change(scene) if callable(change) else change)
    scene.member.requests.clear()
    answer = scene.lane.introduce(context)
    if lie in TAKEN_AS_NONE:
        assert answer.status == 200
        context["groups"] = []
    else:
        assert answer.status in (400, 401, 403) and answer.body, answer
    if isinstance(context["groups"], list) and all(isinstance(g, str) for g in context["groups"]):
        used = scene.lane.request("/api/v1/secrets", field_of(context))
        assert lie in TAKEN_AS_NONE or used.error == "unknown-identity", used
    for request in scene.member.of_people():
        assert lie in TAKEN_AS_NONE and request.fields("impersonate-user") == [ANN]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'"x"', b"{" * 5000, b'{"id": 1}', b"\xff\xfe", b'{"id":"0000000000000001","id":"0000000000000002"}'])
def test_a_context_that_is_none_is_refused(scene: Scene, body: bytes) -> None:
    assert scene.lane.introduce(body).status in (400, 401)


def test_a_context_that_is_too_long_is_refused(scene: Scene) -> None:
    answer = scene.lane.introduce(b'{"user": "' + b"x" * 300_000 + b'"}')
    assert answer.status == 413 or answer.reset is not None, answer


def test_a_context_of_the_lane_before_is_refused(scene: Scene, context: dict[str, Any], ann: str) -> None:
    scene.renew_lane()
    assert scene.lane.request("/api", ann).error == "unknown-identity"
    assert scene.lane.introduce(context).status == 401  # bound to the TLS connection that is gone
    context["binding"] = scene.lane.binding.hex()
    assert scene.lane.introduce(context).status == 200


def test_a_number_never_means_somebody_else(scene: Scene, context: dict[str, Any], ann: str) -> None:
    eve = scene.hub.person("eve", "22222222-0000-4000-8000-000000000001")
    other = {**context, "user": "rs:eve:22222222", "proof": {"certificates": eve.pem}}
    assert scene.lane.introduce(other).status == 401
    assert scene.lane.request("/api", field_of(other)).error == "unknown-identity"
    assert scene.lane.request("/api", ann).status == 200
    scene.lane.tell({"type": "revoke", "ids": [int(context["id"], 16)]})
    wait.until("the context has ended", lambda: scene.lane.request("/api", ann).error, done=lambda e: e == "unknown-identity")
    assert scene.lane.introduce(context).status == 401
    assert scene.lane.introduce(other).status == 401


@pytest.mark.parametrize("field", [
    None, "", "0000000000000001", "0000000000000001.", "ffffffffffffffff.0123456789abcdef", "0000000000000002.0000000000000000 ",
    "-000000000000001.0123456789abcdef", "x" * 5000,
])
def test_without_an_identity_nothing_is_asked(scene: Scene, ann: str, field: str | None) -> None:
    answer = scene.lane.request("/api/v1/secrets", field)
    assert answer.error == "unknown-identity" or answer.reset is not None, answer
    assert not scene.member.of_people()


def test_a_wrong_digest_is_no_identity(scene: Scene, ann: str) -> None:
    assert scene.lane.request("/api", ann[:-1] + ("0" if ann[-1] != "0" else "1")).error == "unknown-identity"
    assert scene.lane.request("/api", ann.upper()).error in ("unknown-identity", "")
    assert scene.lane.request("/api", ann, ("rs-identity", ann)).error in ("unknown-identity", "refused-request", "")
    for request in scene.member.of_people():
        assert request.fields("impersonate-user") == [ANN]


@pytest.mark.parametrize("name", [
    "impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-a", "impersonate_user", "impersonate-new",
])
def test_the_lane_carries_no_impersonation(scene: Scene, ann: str, name: str) -> None:
    answer = scene.lane.request("/api", ann, (name, "system:admin"))
    assert answer.error == "refused-request", answer
    assert not scene.member.of_people()


@pytest.mark.parametrize("value", ["a\r\nImpersonate-User: system:admin", "a\x00", "a\nb"])
@pytest.mark.parametrize("name", ["audit-id", "x-any"])
def test_line_ends_in_fields_reset_the_stream(scene: Scene, ann: str, name: str, value: str) -> None:
    answer = scene.lane.request("/api", ann, (name, value))
    assert answer.reset == http2.PROTOCOL_ERROR, answer
    assert not scene.member.of_people()


def test_what_crosses_is_rebuilt(scene: Scene, ann: str) -> None:
    answer = scene.lane.request(
        "/api", ann, ("authorization", "Bearer stolen"), ("cookie", "a=b"), ("x-remote-user", "system:admin"), ("rs-more", "1"),
        ("x-forwarded-for", "1.1.1.1"), ("audit-id", "5d3f"), authority="evil.example")
    assert answer.status == 200
    [request] = scene.member.of_people()
    assert request.fields("authorization") != ["Bearer stolen"] and len(request.fields("authorization")) == 1
    assert request.fields("host") == [scene.member.server.removeprefix("https://")]
    assert not {"cookie", "x-remote-user", "rs-more", "x-forwarded-for", "rs-identity"} & set(request.names)
    assert request.fields("impersonate-user") == [ANN]


# Other targets


@pytest.mark.parametrize(("scheme", "path", "method"), [
    ("roadstead", "/v1/secret", "GET"), ("roadstead", "/v1/identity", "GET"), ("roadstead", "/v1/control", "POST"), ("roadstead", "/", "POST"),
    ("roadstead", "/api/v1/secrets", "GET"),
])
def test_there_is_nothing_else_in_the_protocol(scene: Scene, ann: str, scheme: str, path: str, method: str) -> None:
    assert scene.lane.request(path, ann, scheme=scheme, method=method).status in (400, 404)
    assert not scene.member.of_people()


@pytest.mark.parametrize("scheme", ["http", "file", "unix", ""])
def test_the_target_is_always_the_agents_own_api_server(scene: Scene, ann: str, scheme: str) -> None:
    answer = scene.lane.request("/api", ann, scheme=scheme, authority="169.254.169.254:80")
    assert answer.status == 200 or answer.reset is not None or answer.error
    for request in scene.member.of_people():
        assert request.fields("host") == [scene.member.server.removeprefix("https://")]


def test_connect_dials_nowhere(scene: Scene, ann: str) -> None:
    host, _, port = scene.member.server.removeprefix("https://").partition(":")
    stream = scene.lane.open([(":method", "CONNECT"), (":authority", f"{host}:{port}"), ("rs-identity", ann)], end=False)
    scene.lane.until(lambda: stream in scene.lane.ended or scene.lane.answers[stream].status != 0)
    answer = scene.lane.answers[stream]
    assert answer.reset is not None or answer.status >= 400, answer
    assert not scene.member.of_people()


@pytest.mark.parametrize("protocol", ["h2c", "connect-udp", "tls/1.0", "websocket, h2c"])
def test_only_known_upgrades_leave_the_agent(scene: Scene, ann: str, protocol: str) -> None:
    answer = scene.lane.request("/api/v1/namespaces/a/pods/b/exec", ann, ("rs-method", "GET"), protocol=protocol)
    assert answer.reset is not None or answer.error, answer
    assert "rs-upgraded" not in answer.fields
    for request in scene.member.of_people():
        assert request.fields("upgrade") in ([], ["websocket"]), request


# Nonsense


@pytest.mark.parametrize("octets", [
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x01{", b"\x00\x00\x00\x02{}", b"\x00\x04\x00\x01" + b"x" * 300_000,
    b"\x00\x00\x13\x88" + b"[" * 5000,
], ids=["a length of 4 GiB", "a list", "half an object", "no type", "too long", "deep"])
def test_broken_messages_end_the_lane_and_not_the_agent(scene: Scene, octets: bytes) -> None:
    try:
        scene.lane.say(octets)
        scene.lane.until(lambda: scene.lane.control in scene.lane.ended, seconds=5)
    except Closed:
        pass
    scene.renew_lane()
    assert scene.agent.running


@pytest.mark.parametrize("message", [
    {"type": "unknown"}, {"type": "revoke", "ids": "all"}, {"type": "revoke", "ids": [-1, 1.5, "x", None]}, {"type": "hello"},
    {"type": "certificate", "certificate": "x"}, {"type": "certificate"}, {"type": "bundle", "userRoots": "nonsense"}, {"type": "open-lane", "purpose": 7},
    {"type": "renew-failed", "message": "x" * 100_000}, {"type": "apiserver"}, {"type": "renew", "csr": "x"},
], ids=lambda m: json.dumps(m)[:50])
def test_messages_that_make_no_sense_change_nothing(scene: Scene, context: dict[str, Any], message: dict[str, Any]) -> None:
    scene.lane.tell(message)
    assert scene.lane.introduce(context).status == 200
    assert scene.lane.request("/api", field_of(context)).status == 200
    assert scene.agent.running


def test_a_bundle_of_nonsense_does_not_lock_the_agent_out(scene: Scene, context: dict[str, Any]) -> None:
    scene.lane.tell({"type": "bundle", "userRoots": "", "hubRoots": ""})
    scene.lane.tell({"type": "bundle", "userRoots": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "hubRoots": "x"})
    assert scene.lane.introduce(context).status == 200
    scene.renew_lane()
    again = scene.lane.context(scene.hub.person().pem, ANN, id=number())
    assert scene.lane.introduce(again).status == 200


# Frames that end the connection, one after the other would take a redial each: a choice of the worst.
FRAMES = [c for c in all_cases() if c.name.split(" ")[0] in ("4.2", "4.3", "6.5.2", "6.10") or "without end" in c.name or "64 MB" in c.name][::4]


@pytest.mark.parametrize("name", [c.name for c in FRAMES])
def test_frames_that_are_wrong_end_the_lane_at_most(scene: Scene, name: str) -> None:
    [case] = [c for c in FRAMES if c.name == name]
    memory = scene.agent.resident_bytes()
    try:
        scene.lane.tls.sendall(case.send)
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            try:
                if not scene.lane.tls.recv(65536):
                    break
            except SSL.WantReadError:
                pass
    except SSL.Error:
        pass
    scene.renew_lane()
    assert scene.agent.running and scene.agent.resident_bytes() < memory + 32 * 2**20


# Not the hub


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Callable[..., HostileHub]]:
    """Starts an Agent whose hub is changed before it is met."""
    made: list[Any] = []

    def start(**change: Any) -> tuple[HostileHub, LoneAgent]:
        hub = HostileHub()
        member = FakeMember(tmp_path / "member")
        agent = LoneAgent(tmp_path, member.kubeconfig())
        hub.write_state(agent.state)
        for key, value in change.items():
            setattr(hub, key, value(hub) if callable(value) else value)
        made.extend([(agent.kill,), (hub.close,), (member.close,)])
        agent.start()
        return hub, agent

    yield start
    for (end,) in made:
        end()


TUNNEL = f"{CLUSTER}.tunnel.roadstead.internal"


@pytest.mark.parametrize("change", [
    {"identity": lambda h: h.certificate(authority=Authority("hub authority"))},
    {"identity": lambda h: h.certificate(authority=h.users)},
    {"identity": lambda h: h.certificate(authority=h.agents)},
    {"identity": lambda h: h.certificate(names=["other.tunnel.roadstead.internal"])},
    {"identity": lambda h: h.certificate(names=["127.0.0.1", "localhost"])},
    {"identity": lambda h: h.certificate(names=["*.roadstead.internal"])},
    {"identity": lambda h: h.certificate(starts=-7200, ends=-60)},
    {"identity": lambda h: h.certificate(starts=3600, ends=7200)},
    {"identity": lambda h: h.certificate(server=False, client=True)},
    {"newest": SSL.TLS1_2_VERSION},
    {"alpn": (b"h2", b"http/1.1")},
    {"alpn": ()},
], ids=["another CA of the same name", "the users' CA", "the Agents' CA", "another cluster's name", "the address", "a wildcard above", "expired",
        "not valid yet", "a client's certificate", "TLS 1.2", "ALPN h2", "no ALPN"])
def test_an_agent_does_not_speak_to_another_hub(stranger: Callable[..., Any], change: dict[str, Any]) -> None:
    hub, agent = stranger(**change)
    for _ in range(2):  # and tries again
        try:
            lane = hub.shake_hands()
        except (SSL.Error, SSL.SysCallError):
            continue
        # With TLS 1.3 the server is done first; the Agent ends the connection before a single byte of HTTP.
        lane.h2.initiate_connection()
        with pytest.raises((Closed, SSL.Error)):
            lane.flush()
            lane.until(lambda: False, seconds=5)
        assert not lane.answers
    wait.until("the Agent says why", lambda: "WARN" in agent.text() or "ERROR" in agent.text())
    assert "lane ready" not in agent.text() and agent.running
    assert ALPN


def test_a_wildcard_of_the_tunnel_zone_is_a_certificate_of_the_hub(stranger: Callable[..., Any]) -> None:
    hub, _ = stranger(identity=lambda h: h.certificate(names=["*.tunnel.roadstead.internal"]))
    assert hub.accept().control
