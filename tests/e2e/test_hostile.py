# SPDX-License-Identifier: Apache-2.0
"""Input that wants to be more than it may: each of these must be refused, and must not reach the member."""

from __future__ import annotations

import json
import socket
import ssl
import uuid
from pathlib import Path

import pytest

from e2e.support import pods, tools, wait
from e2e.support.agents import AS_ACCOUNT, Site
from e2e.support.client import GROUP, Client, Login
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl
from e2e.support.raw import exchange as raw_exchange
from e2e.support.raw import status_of, upgrade

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ASK = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).encode()


def request(lines: bytes, body: bytes = ASK, method: bytes = b"POST", path: str = WHO, length: bool = True) -> bytes:
    head = method + b" " + path.encode() + b" HTTP/1.1\r\nHost: ack\r\nContent-Type: application/json\r\n"
    if length:
        head += b"Content-Length: " + str(len(body)).encode() + b"\r\n"
    return head + lines + b"\r\n" + body


def nobody_else(site: Site, offset: int) -> None:
    """All that came by the Agent came as a person of the hub."""
    for event in site.cluster.audit_events(offset=offset, user=AS_ACCOUNT, stage=None):
        who = event.get("impersonatedUser", {}).get("username", "")
        own = event["requestURI"].split("?")[0] in ("/version", "/readyz") or "/roadstead-system/" in event["requestURI"] \
            or event["requestURI"].startswith("/apis/authorization.k8s.io/")
        assert who.startswith("rs:") or own, event
        assert not [g for g in event.get("impersonatedUser", {}).get("groups", []) if g.startswith("system:") and g != "system:authenticated"]


IMPERSONATION = [
    b"Impersonate-User: system:admin\r\n",
    b"impersonate-user: system:admin\r\n",
    b"IMPERSONATE-GROUP: system:masters\r\n",
    b"Impersonate-Uid: 1\r\n",
    b"Impersonate-Extra-scopes: all\r\n",
    b"Impersonate-Future: x\r\n",
    b"Impersonate_User: system:admin\r\n",
    b"impersonate_group: system:masters\r\n",
    b"Impersonate-User:\r\n",
    b"Impersonate-User: a\r\nImpersonate-User: b\r\n",
    b"Connection: Impersonate-User\r\n",
    b"Connection: close, Impersonate-User\r\nImpersonate-User: system:admin\r\n",
    b"Connection: keep-alive,  IMPERSONATE-GROUP ,x\r\n",
    b"Connection: x\r\nConnection: impersonate-extra-roadstead.io%2frequest-id\r\n",
    b"Connection: Impersonate_User\r\n",
]


@pytest.mark.parametrize("lines", IMPERSONATION, ids=lambda line: line.decode().strip().replace("\r\n", " "))
def test_impersonation_in_any_spelling_is_refused(ack: Site, member: Client, lines: bytes) -> None:
    offset = ack.cluster.audit_offset()
    answer = raw_exchange(member, request(lines))
    assert status_of(answer) in (400, 403), answer
    assert b'"kind":"Status"' in answer.replace(b": ", b":"), answer
    assert member.raw("GET", "/version").status == 200  # so that what came before would be in the log
    nobody_else(ack, offset)


@pytest.mark.parametrize("lines", [
    b"Connection: Authorization, X-Roadstead-Context, Host\r\n", b"X-Remote-User: system:admin\r\nX-Remote-Group: system:masters\r\n",
    b"X-Forwarded-User: root\r\nX-Forwarded-For: 1.1.1.1\r\n", b"Roadstead-Identity: 1\r\nRoadstead-Context: 1\r\nX-Roadstead-Identity: 1\r\n",
    b"Authorization: Bearer abc\r\nCookie: a=b\r\n",
])
def test_other_claims_change_nothing(ack: Site, member: Client, admin: Client, admin_login: Login, lines: bytes) -> None:
    offset = ack.cluster.audit_offset()
    answer = raw_exchange(member, request(lines))
    assert status_of(answer) in (201, 400, 403), answer
    if status_of(answer) == 201:
        uid = admin.object("users", admin_login.name)["metadata"]["uid"]
        assert f'"username":"rs:{admin_login.name}:{uid[:8]}"'.encode() in answer
    nobody_else(ack, offset)


# Two requests in one, for parsers that disagree

INNER = b"GET /api/v1/namespaces/kube-system/secrets/smuggled HTTP/1.1\r\nHost: ack\r\n\r\n"
SMUGGLING = {
    "both lengths": request(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + INNER),
    "two lengths": request(b"Content-Length: 0\r\n", INNER),
    "two lengths in a list": request(b"Content-Length: 5, 5\r\n", INNER, length=False),
    "a signed length": request(b"Content-Length: +5\r\n", INNER, length=False),
    "a negative length": request(b"Content-Length: -1\r\n", INNER, length=False),
    "a length in hexadecimal": request(b"Content-Length: 0x10\r\n", INNER, length=False),
    "space before the colon": request(b"Transfer-Encoding : chunked\r\n", INNER),
    "a folded line": request(b"X-A: b\r\n Transfer-Encoding: chunked\r\n", INNER),
    "a bare line feed": request(b"X-A: b\nTransfer-Encoding: chunked\r\n", INNER),
    "a bare carriage return": request(b"X-A: b\rTransfer-Encoding: chunked\r\n", INNER),
    "a NUL": request(b"X-A: b\x00\r\n", INNER),
    "an odd coding": request(b"Transfer-Encoding: xchunked\r\n", INNER, length=False),
    "a coding twice": request(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n" + INNER, length=False),
    "identity": request(b"Transfer-Encoding: identity\r\n", INNER, length=False),
    "a bad chunk size": request(b"Transfer-Encoding: chunked\r\n", b"1g\r\nx\r\n0\r\n\r\n" + INNER, length=False),
    "a long chunk extension": request(b"Transfer-Encoding: chunked\r\n", b"1;" + b"a" * 20_000 + b"\r\nx\r\n0\r\n\r\n" + INNER, length=False),
    "an absolute target": b"GET https://other/api HTTP/1.1\r\nHost: ack\r\n\r\n",
    "no host": b"GET /api HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /api HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "an endless head": b"GET /api HTTP/1.1\r\nHost: ack\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(200)) + b"\r\n",
}


@pytest.mark.parametrize("form", SMUGGLING)
def test_smuggling(ack: Site, member: Client, form: str) -> None:
    offset = ack.cluster.audit_offset()
    answer = raw_exchange(member, SMUGGLING[form])
    assert status_of(answer) in (0, 400, 421, 431, 501), answer[:500]
    assert answer.count(b"HTTP/1.1 ") <= 1, "the second request was answered"
    assert member.raw("GET", "/version").status == 200
    assert not list(ack.cluster.audit_events(offset=offset, name="smuggled", stage=None))
    nobody_else(ack, offset)


# Upgrades


@pytest.mark.parametrize("path", [
    "/api/v1/namespaces/default/pods/no-such-pod/exec?command=id&stdout=1", "/api/v1/namespaces/default/configmaps", "/version",
])
def test_after_a_failed_upgrade_nothing_more_is_heard(ack: Site, member: Client, path: str) -> None:
    offset = ack.cluster.audit_offset()
    answer = raw_exchange(member, upgrade(path) + INNER)
    assert status_of(answer) != 101 and status_of(answer) >= 200, answer
    assert answer.count(b"HTTP/1.1 ") == 1, "the second request was answered"
    assert member.raw("GET", "/version").status == 200
    assert not list(ack.cluster.audit_events(offset=offset, name="smuggled", stage=None))


@pytest.mark.parametrize("protocol", [b"h2c", b"TLS/1.0", b"spdy/2", b"websocket, h2c", b"foo"])
def test_only_known_upgrades_are_served(member: Client, protocol: bytes) -> None:
    answer = raw_exchange(member, upgrade("/api/v1/namespaces/default/pods/x/exec?command=id", protocol))
    assert status_of(answer) == 400 and b"Status" in answer, answer


# The path form


@pytest.mark.parametrize("path", [
    "/clusters/ack/../idc-k8s/version", "/clusters/ack/%2e%2e/idc-k8s/version", "/clusters/ack/%2E%2E/apis",
    "/clusters/ack/..%2fidc-k8s/version", "/clusters/ack/..%5cidc-k8s/version", "/clusters/ack/api/v1/./namespaces",
    "/clusters/ack/.%2e/x", "/clusters/../clusters/ack/version", "/clusters/ack/api/%252e%252e/x/../y", "/clusters//version",
])
def test_dot_segments_are_refused(ack: Site, admin: Client, path: str) -> None:
    offset = ack.cluster.audit_offset()
    answer = raw_exchange(admin, f"GET {path} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
    assert status_of(answer) in (400, 404), answer
    nobody_else(ack, offset)


def test_the_path_form_serves_the_same(ack: Site, admin: Client, member: Client) -> None:
    ours, theirs = admin.raw("GET", "/clusters/ack/version"), member.raw("GET", "/version")
    assert (ours.status, ours.body) == (200, theirs.body)


# Names


@pytest.mark.parametrize("name", [
    "system:masters", "system:admin", "a\r\nImpersonate-User: b", "a\x00b", "a b", "ümlaut", "A", "", "x" * 300, "a/b", "rs:x:1", "-a",
])
def test_names_of_users_are_checked(admin: Client, name: str) -> None:
    answer = admin.raw("POST", f"{GROUP}/users", {
        "apiVersion": "roadstead.io/v1alpha1", "kind": "User", "metadata": {"name": name}, "spec": {}})
    assert answer.status in (400, 422), answer.text
    assert "name" in answer.json["message"]


@pytest.mark.parametrize("group", ["system:masters", "a\r\nb", "a:b", "", "ü", "A"])
def test_names_of_groups_are_checked(admin: Client, group: str) -> None:
    name = f"g-{uuid.uuid4().hex[:6]}"
    answer = admin.raw("POST", f"{GROUP}/users", {
        "apiVersion": "roadstead.io/v1alpha1", "kind": "User", "metadata": {"name": name}, "spec": {"groups": [group]}})
    assert answer.status in (400, 422), answer.text


# What a member answers


def test_content_of_members_is_kept_from_browsers(ack: Site, member: Client, direct: Kubectl) -> None:
    pods.run(direct, pods.pod("server", "", image=tools.image(ack.cluster), command=["/tools", "origin"]))
    path = f"/api/v1/namespaces/{direct.namespace}/pods/server:9004/proxy/"
    wait.until("the pod answers", lambda: "X-Own" in ack.straight().raw("GET", path).headers)
    answer = member.raw("GET", path, headers={
        "Cookie": "hub=1", "Authorization": "Basic eDp5", "X-Forwarded-User": "root", "X-Remote-User": "root", "X-Mine": "kept"})
    assert answer.status == 200 and answer.headers["X-Own"] == "kept"
    for name in ("Set-Cookie", "Service-Worker-Allowed", "Clear-Site-Data", "Alt-Svc", "Strict-Transport-Security"):
        assert answer.headers.get(name) is None, name
    assert "X-Mine: [kept]" in answer.text
    for word in ("Cookie:", "Authorization:", "X-Forwarded-User:", "X-Remote-User:", "Impersonate-"):
        assert word not in answer.text, answer.text
    page = member.raw("GET", path, headers={"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"})
    assert page.status == 403 and page.json["kind"] == "Status"
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example/"):
        moved = member.raw("GET", f"{path}?redirect={target}")
        assert moved.status >= 400 or moved.headers["Location"].startswith(path), moved.headers.items()


# Resumption, and other servers


def test_a_tls_session_does_not_outlive_its_revocation(ack: Site, admin: Client, tmp_path: Path) -> None:
    name = f"res-{uuid.uuid4().hex[:6]}"
    login = admin.person(name, tmp_path / name)
    client = Client(login, "ack")

    def ask(session: ssl.SSLSession | None, tls_name: str = client.tls_name) -> tuple[int, bool, ssl.SSLSession | None]:
        with socket.create_connection(client.address, 10) as plain, \
             client.context.wrap_socket(plain, server_hostname=tls_name, session=session) as tls:
            tls.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            data = b""
            while block := tls.recv(65536):
                data += block
            return status_of(data), bool(tls.session_reused), tls.session

    status, reused, session = ask(None)
    assert status == 403 and not reused  # known to the hub, unknown to the cluster
    admin.revoke(login)
    status, reused, _ = ask(session)
    assert status == 401 and reused
    assert ask(session, f"idc-k8s.{login.zone}")[0] == 401
    admin.delete("users", name)


def test_an_agent_refuses_another_hub(idc: Site, admin: Client, tmp_path: Path, bed: object) -> None:
    agent = idc.agents[0]
    other = Hub(tmp_path / "other", idc.hub.address[0]).start()
    try:
        agent.stop()
        agent.start("--hub", other.endpoint)
        wait.until("the Agent says that the certificate is not its hub's",
                   lambda: "certificate" in agent.tail(5).lower() and other.endpoint in agent.tail(5), dump=agent.tail)
        assert "lane connected" not in other.text()
    finally:
        agent.kill()
        other.stop()


# Secrets


def test_login_codes_are_nowhere_in_clear(hub: Hub, admin: Client, tmp_path: Path) -> None:
    name = f"sec-{uuid.uuid4().hex[:6]}"
    admin.create("users", name, {})
    code = admin.login_code(name)
    first = hub.first_login().code
    for path in hub.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert code.encode() not in content and first.encode() not in content, path
    assert code not in hub.log.read_text()
    assert hub.log.read_text().count(first) == 1, "only in the one line that is meant for the administrator"
    admin.delete("users", name)
