# SPDX-License-Identifier: Apache-2.0
"""A member whose API server does what it should not: a real hub and Agent, and a fake API server that keeps every byte."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.support import http2, raw, wait
from e2e.support.client import Client
from e2e.support.fake_member import TOKEN, FakeMember, Reply, Request, reply
from e2e.support.hub import Hub
from e2e.support.lone_site import LoneSite
from e2e.test_http2 import h2_context, open_wire

NEVER_FROM_MEMBERS = ("Set-Cookie", "Service-Worker-Allowed", "Clear-Site-Data", "Alt-Svc", "Strict-Transport-Security")


@pytest.fixture(scope="module")
def site(lone_hub: Hub, lone_admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneSite]:
    made = LoneSite("hostile", lone_admin, tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


@pytest.fixture
def user(lone_admin: Client, site: LoneSite) -> Client:
    return Client(lone_admin.login, site.name)


@pytest.fixture
def member(site: LoneSite) -> Iterator[FakeMember]:
    yield site.member
    site.member.answer = lambda _: None
    site.member.requests.clear()
    assert site.agent.running


def test_what_an_api_server_gets(user: Client, member: FakeMember) -> None:
    answer = user.raw("GET", "/api/v1/pods", headers={"Authorization": "Bearer mine", "Cookie": "a=b", "X-Kept": "1", "Forwarded": "for=1.1.1.1"})
    assert answer.status == 200
    [request] = member.of_people()
    assert request.fields("authorization") == [f"Bearer {TOKEN}"]
    assert len(request.fields("impersonate-user")) == 1 and request.fields("impersonate-user")[0].startswith("rs:")
    assert request.fields("x-kept") == ["1"]
    assert not {"cookie", "forwarded", "connection", "rs-identity", "impersonate-uid"} & set(request.names), request.names
    assert request.names.count("audit-id") == 1


# What is sent along


TRAILERS = {
    "impersonation": b"Impersonate-User: system:admin\r\nImpersonate-Group: system:masters\r\nimpersonate_uid: 1\r\n",
    "fields of the tunnel": b"rs-identity: 1\r\nrs-method: GET\r\nX-Remote-User: system:admin\r\n",
    "a credential": b"Authorization: Bearer x\r\n", "a length": b"Content-Length: 0\r\n",
}


@pytest.mark.parametrize("kind", TRAILERS)
def test_trailers_do_not_become_fields(user: Client, member: FakeMember, kind: str) -> None:
    answer = raw.exchange(user, b"POST /api/v1/namespaces HTTP/1.1\r\nHost: hostile\r\nTransfer-Encoding: chunked\r\nTrailer: Impersonate-User\r\n"
                          b"Content-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n" + TRAILERS[kind] + b"\r\n")
    # Those that frame a message or carry a credential break the connection off; all others are dropped.
    assert raw.status_of(answer) in ((200,) if kind in ("impersonation", "fields of the tunnel") else (0, 400)), answer
    for request in member.of_people():
        assert b"system:" not in request.head + request.body and b"rs-identity" not in request.body, request
        assert b"Bearer x" not in request.body
        assert len(request.fields("impersonate-user")) == 1
    assert user.raw("GET", "/api").status == 200


def test_trailers_of_http2_do_not_become_an_identity(user: Client, member: FakeMember) -> None:
    wire = open_wire(user, h2_context(user))
    fields = http2.block([(":method", "POST"), (":scheme", "https"), (":path", "/api/v1/namespaces"), (":authority", user.tls_name)])
    wire.send(http2.headers(1, fields, http2.END_HEADERS) + http2.data(1, b"{}", 0)
              + http2.headers(1, http2.block([("impersonate-user", "system:admin"), ("impersonate_group", "system:masters")])))
    while (frame := wire.read()).kind not in (http2.HEADERS, http2.RST_STREAM, http2.GOAWAY):
        pass
    wire.close()
    assert frame.kind != http2.GOAWAY
    for request in member.of_people():
        assert b"system:" not in request.head + request.body, request


@pytest.mark.parametrize("name", [
    "impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-scopes", "impersonate-future", "impersonate_user",
    "impersonate_extra_a", "impersonate", "impersonate-",
])
def test_impersonation_over_http2_is_refused(user: Client, member: FakeMember, name: str) -> None:
    wire = open_wire(user, h2_context(user))
    wire.send(http2.headers(1, http2.block([(":method", "GET"), (":scheme", "https"), (":path", "/api"), (":authority", user.tls_name), (name, "x")])))
    while (frame := wire.read()).kind not in (http2.HEADERS, http2.RST_STREAM, http2.GOAWAY):
        pass
    assert frame.kind == http2.HEADERS and wire.decode(frame.payload)[":status"] == "403"
    wire.close()
    assert not member.of_people()


def test_no_body_of_one_request_becomes_another(user: Client, member: FakeMember) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = user.raw("POST", "/api/v1/namespaces", inner, {"Content-Type": "application/json"})
    assert answer.status == 200
    assert user.raw("GET", "/after").status == 200
    assert [r.path for r in member.of_people()] == ["/api/v1/namespaces", "/after"]
    assert member.of_people()[0].body == inner


@pytest.mark.parametrize("path", ["/api/v1/a%0d%0aImpersonate-User:%20root", "/api/v1/a%00", "/api/v1/a%20HTTP/1.1%0d%0aX:%20y", "/api/v1/a?b=%0d%0aX:y"])
def test_encoded_line_ends_in_a_path_stay_encoded(user: Client, member: FakeMember, path: str) -> None:
    user.raw("GET", path)
    for request in member.of_people():
        assert request.path == path and len(request.fields("impersonate-user")) == 1 and "x" not in request.names


def test_a_path_goes_through_byte_for_byte(lone_admin: Client, site: LoneSite, member: FakeMember) -> None:
    inside = "/api/v1/namespaces/a/services/https:b:443/proxy/%2e%2e/..//x%2Fy/%E4?q=%2B+&&a;b#".rstrip("#")
    assert lone_admin.raw("GET", f"/clusters/{site.name}{inside}").status == 200
    assert [r.path for r in member.of_people()] == [inside]


# Redirects


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """Somebody who hopes to be sent the Agent's token."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.5)
    yield listener
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.close()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("form", ["https://{}/x", "http://{}/x", "//{}/x", "/\\{}/x", "HTTPS://{}", "https:/{}", "\\\\{}\\x", " //{}/x", "javascript:alert(1)"])
def test_redirects_to_others_are_refused_and_never_followed(
    user: Client, member: FakeMember, elsewhere: socket.socket, status: str, form: str,
) -> None:
    target = form.format(f"127.0.0.1:{elsewhere.getsockname()[1]}")
    member.answer = lambda r: reply(status, "", f"Location: {target}") if r.path == "/moved" else None
    answer = user.raw("GET", "/moved")
    assert answer.status == 502 and answer.json["kind"] == "Status", answer.text
    assert answer.headers.get("Location") is None
    assert len(member.of_people()) == 1


def test_redirects_within_the_member_are_passed_on_and_not_followed(user: Client, member: FakeMember) -> None:
    member.answer = lambda r: reply("301 Moved", "", "Location: /moved/") if r.path == "/moved" else None
    answer = user.raw("GET", "/moved")
    assert (answer.status, answer.headers["Location"]) == (301, "/moved/")
    assert [r.path for r in member.of_people()] == ["/moved"]


EXEC = "/api/v1/namespaces/default/pods/x/exec?command=id"


def test_a_redirect_of_an_upgrade_is_an_error(user: Client, member: FakeMember) -> None:
    member.answer = lambda r: reply("302 Found", "", "Location: /other") if r.path == EXEC else None
    answer = raw.exchange(user, raw.upgrade(EXEC))
    assert raw.status_of(answer) == 502 and b"edirect" in answer and b"Location" not in answer, answer
    assert [r.path for r in member.of_people()] == [EXEC]


# Upgrades


INNER = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
FAILED = {
    "200": reply("200 OK", "{}"), "400": reply("400 Bad Request", "no"), "403": reply("403 Forbidden", "no"), "500": reply("500 Oops", "no"),
    "204": Reply(b"HTTP/1.1 204 No Content\r\n\r\n"), "426": reply("426 Upgrade Required", "no"),
}


@pytest.mark.parametrize("status", FAILED)
def test_after_a_failed_upgrade_the_connection_is_not_used(user: Client, member: FakeMember, status: str) -> None:
    member.answer = lambda r: FAILED[status] if r.path == EXEC else None
    answer = raw.exchange(user, raw.upgrade(EXEC) + INNER)
    assert answer.count(b"HTTP/1.1 ") == 1 and raw.status_of(answer) == int(status), answer
    assert user.raw("GET", "/after").status == 200
    requests = member.of_people()
    assert [r.path for r in requests] == [EXEC, "/after"], "the bytes after the upgrade came to the API server"
    assert requests[0].connection != requests[1].connection
    assert not [r for r in member.requests if r.connection == requests[0].connection and r is not requests[0]]


ACCEPT = "Sec-WebSocket-Accept: 0oJ9AaOsDpTZmYNOmd2x1ZtR+ZU="
WRONG_101 = {
    "without Upgrade": Reply(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"),
    "without Connection": Reply(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    "to another protocol": Reply(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
    "to two protocols": Reply(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n"),
}


@pytest.mark.parametrize("form", WRONG_101)
def test_a_wrong_101_is_no_upgrade(user: Client, member: FakeMember, form: str) -> None:
    member.answer = lambda r: WRONG_101[form] if r.path == EXEC else None
    answer = raw.exchange(user, raw.upgrade(EXEC) + INNER)
    assert raw.status_of(answer) in (502, 504) and answer.count(b"HTTP/1.1 ") == 1, answer
    assert user.raw("GET", "/after").status == 200
    assert [r.path for r in member.of_people()] == [EXEC, "/after"]


def test_a_101_that_nobody_asked_for_is_an_error(user: Client, member: FakeMember) -> None:
    member.answer = lambda r: Reply(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n") if r.path == "/x" else None
    answer = raw.exchange(user, b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n" + INNER)
    assert raw.status_of(answer) in (502, 504), answer
    assert b"101" not in answer.split(b"\r\n")[0]
    assert not [r for r in member.requests if r.path == "/smuggled" and r.connection == member.of_people()[0].connection]


def test_bytes_flow_only_after_the_101(user: Client, member: FakeMember) -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + ACCEPT.encode() + b"\r\n\r\n"

    def echo_once(request: Request) -> Reply | None:
        if request.path != EXEC:
            return None
        assert not request.body
        return Reply(switched)

    member.answer = echo_once
    # The fake member reads what comes after its 101 as another request, which shows that it came only now, and whole.
    answer = raw.exchange(user, raw.upgrade(EXEC) + INNER)
    assert raw.status_of(answer) == 101
    first, second = wait.until("the upgraded bytes came", member.of_people, done=lambda all_: len(all_) == 2)
    assert first.connection == second.connection and second.path == "/smuggled"
    assert second.names == ["host"], "nothing of the Agent is added to the bytes of an upgrade"


# Answers


def test_content_is_kept_from_browsers(user: Client, member: FakeMember) -> None:
    page = "<html><script>fetch('/apis/roadstead.io/v1alpha1/users')</script>"
    member.answer = lambda r: reply(
        "200 OK", page, "Content-Type: text/html", "Set-Cookie: a=b; Domain=.internal", "set-cookie: c=d", "Service-Worker-Allowed: /",
        "Clear-Site-Data: *", "Alt-Svc: h3=\":1\"", "Strict-Transport-Security: max-age=0", "X-Own: kept", "rs-error: apiserver-failed",
        "rs-upgraded: 1", "Connection: x-named", "X-Named: 1") if r.path == "/page" else None
    answer = user.raw("GET", "/page")
    assert (answer.status, answer.text, answer.headers["X-Own"]) == (200, page, "kept")
    for name in (*NEVER_FROM_MEMBERS, "rs-error", "rs-upgraded", "X-Named"):
        assert answer.headers.get(name) is None, name


@pytest.mark.parametrize("form", ["401", "407"])
def test_the_agents_credential_problem_is_not_the_users(user: Client, member: FakeMember, form: str) -> None:
    member.answer = lambda r: reply(f"{form} No", "no", "WWW-Authenticate: Basic") if r.path == "/x" else None
    answer = user.raw("GET", "/x")
    if form == "401":
        assert answer.status == 502 and "credential" in answer.json["message"].lower(), answer.text
    assert answer.status != 401


LYING = {
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk that is too short": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n\r\n",
    "no head at all": b"hello\r\n\r\n",
    "a bare line feed": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a field without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
    "a folded field": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a NUL": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of zero": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"y" * 200_000 + b"\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "a body that breaks off": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
}


@pytest.mark.parametrize("form", LYING)
def test_answers_that_two_parsers_could_read_differently_are_refused(user: Client, member: FakeMember, form: str) -> None:
    member.answer = lambda r: Reply(LYING[form], close=True) if r.path == "/lie" else None
    answer = raw.exchange(user, b"GET /lie HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    # Either an error of the hub, or a connection that ends before the answer does: never a whole answer of the member.
    whole = raw.status_of(answer) == 200 and (b"\r\n0\r\n\r\n" in answer or b"Content-Length: 0\r\n" in answer)
    assert raw.status_of(answer) in (0, 200, 502, 504) and not whole, answer[:300]
    assert user.raw("GET", "/after").status == 200


def test_more_than_an_answer_is_not_the_next_answer(user: Client, member: FakeMember) -> None:
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"
    member.answer = lambda r: Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + poison) if r.path == "/split" else None
    for _ in range(5):
        assert user.raw("GET", "/split").text == "ok"
        for _ in range(3):
            assert "poisoned" not in user.raw("GET", "/after").text


def test_a_member_that_lies_about_itself_lies_about_itself_only(site: LoneSite, member: FakeMember, lone_admin: Client) -> None:
    def nonsense(request: Request) -> Reply | None:
        if request.path == "/version":
            return reply("200 OK", '{"gitVersion": "<script>alert(1)</script>\\u0000\\r\\n", "platform": ["x"]}', "Content-Type: application/json")
        return None

    member.answer = nonsense
    wait.until("the Agent asked again", lambda: [r for r in member.requests if r.path == "/version"], timeout=15)
    status = wait.until("the hub shows something", site.status)
    assert status["phase"] in ("Running", "Failed", "Degraded", "Unreachable"), status
    assert lone_admin.raw("GET", "/apis/roadstead.io/v1alpha1/clusters").status == 200
