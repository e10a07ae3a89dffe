# SPDX-License-Identifier: Apache-2.0
"""Who one is in a member cluster, and what the hub answers to those who are nobody."""

from __future__ import annotations

import datetime
import ssl
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from e2e.support import wait
from e2e.support.agents import AS_ACCOUNT, Site
from e2e.support.client import Answer, Client, Connection, Key, Login, exchange, redeem
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl


@pytest.fixture
def second(admin: Client, tmp_path: Path) -> Iterator[Login]:
    """A further user, without any right in a member."""
    name = f"bob-{uuid.uuid4().hex[:6]}"
    yield admin.person(name, tmp_path / name)
    admin.delete("users", name)


def member_user(admin: Client, login: Login) -> str:
    return f"rs:{login.name}:{admin.object('users', login.name)['metadata']['uid'][:8]}"


@pytest.fixture
def let_in(ack: Site, admin: Client, second: Login) -> Iterator[str]:
    """Lets the Agent act as the second user, which gives that user no right in the cluster."""
    user = member_user(admin, second)
    ack.cluster.kubectl("create", "clusterrole", f"test:{second.name}", "--verb=impersonate", "--resource=users",
                        f"--resource-name={user}")
    ack.cluster.kubectl("create", "clusterrolebinding", f"test:{second.name}", f"--clusterrole=test:{second.name}",
                        f"--serviceaccount={AS_ACCOUNT.removeprefix('system:serviceaccount:')}")
    yield user
    ack.cluster.kubectl("delete", "clusterrole,clusterrolebinding", f"test:{second.name}")


def test_without_rights_one_gets_the_clusters_own_403(ack: Site, second: Login, let_in: str) -> None:
    words = f'User "{let_in}" cannot list resource "secrets" in API group "" in the namespace "kube-system"'
    refused = Kubectl(second.kubeconfig("ack")).try_run("get", "secrets", "-n", "kube-system")
    assert refused.code == 1
    assert refused.err.strip() == f"Error from server (Forbidden): secrets is forbidden: {words}"
    theirs = Kubectl(ack.cluster.kubeconfig).try_run("get", "secrets", "-n", "kube-system", f"--as={let_in}")
    assert (refused.code, refused.err) == (theirs.code, theirs.err)
    assert Kubectl(second.kubeconfig("ack")).try_run("auth", "can-i", "list", "secrets").out == "no\n"


def test_a_user_whom_the_cluster_does_not_know_is_told_so_by_the_cluster(second: Login, ack: Site) -> None:
    answer = Client(second, "ack").raw("GET", "/api/v1/namespaces")
    assert answer.status == 403
    assert answer.json["kind"] == "Status" and "cannot impersonate" in answer.json["message"]


def test_further_users_may_do_nothing_at_the_hub(second: Login, admin: Client) -> None:
    hub = Client(second)
    for method, path in (("POST", "clusters"), ("POST", "users"), ("DELETE", "clusters/ack"), ("POST", "clusters/ack/registration")):
        answer = hub.raw(method, f"/apis/roadstead.io/v1alpha1/{path}",
                         {"apiVersion": "roadstead.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "x"}, "spec": {}})
        assert answer.status == 403, (method, path, answer.text)
        assert answer.json["reason"] == "Forbidden"
    assert admin.object("clusters", "ack")


def test_the_audit_log_says_who_by_whom_and_under_which_number(
    kubectl: Kubectl, member: Client, ack: Site, hub: Hub, admin: Client, admin_login: Login,
) -> None:
    offset = ack.cluster.audit_offset()
    answer = member.raw("GET", f"/api/v1/namespaces/{kubectl.namespace}/configmaps/no-such")
    assert answer.status == 404
    number = answer.headers["Audit-ID"]
    event = wait.until("the request is in the audit log",
                       lambda: next(ack.cluster.audit_events(offset=offset, audit_id=number)))
    assert event["user"]["username"] == AS_ACCOUNT
    seen = event["impersonatedUser"]
    assert seen["username"] == member_user(admin, admin_login)
    assert seen["groups"] == ["system:authenticated"]
    assert seen["extra"]["roadstead.io/request-id"] == [number]
    assert "uid" not in seen
    record = wait.until("the hub has its record", lambda: hub.records(auditID=number))
    assert len(record) == 1
    assert record[0]["user"] == admin_login.name and record[0]["cluster"] == "ack" and record[0]["status"] == "404"
    assert record[0]["credential"].lstrip("0") == admin_login.serial.lstrip("0")


def test_the_clients_own_audit_id_is_not_taken(member: Client) -> None:
    wished = str(uuid.uuid4())
    answer = member.raw("GET", "/version", headers={"Audit-ID": wished})
    assert answer.status == 200 and answer.headers["Audit-ID"] != wished


# 401

LOGGED_OUT = "error: You must be logged in to the server"  # kubectl's words for a 401


def is_unauthorized(answer: Answer) -> None:
    assert answer.status == 401, answer.text
    assert answer.json["kind"] == "Status" and answer.json["reason"] == "Unauthorized" and answer.json["code"] == 401
    assert answer.json["message"]


def without_certificate(login: Login, cluster: str) -> Connection:
    client = Client(login, cluster)
    return Connection(client.address, client.tls_name, ssl.create_default_context(cafile=str(login.roots)))


@pytest.mark.parametrize("cluster", ["ack", "no-such-cluster"])
def test_nobody_gets_401(ack: Site, admin_login: Login, cluster: str) -> None:
    is_unauthorized(exchange(without_certificate(admin_login, cluster), "GET", "/api"))


@pytest.mark.parametrize("headers", [
    {"Authorization": "Bearer abc"}, {"Authorization": "Basic YWRtaW46YWRtaW4="},
    {"X-Remote-User": "admin"}, {"Cookie": "session=1"},
])
def test_other_credentials_are_nothing(ack: Site, admin_login: Login, headers: dict[str, str]) -> None:
    is_unauthorized(exchange(without_certificate(admin_login, "ack"), "GET", "/api", headers=headers))


def stranger(folder: Path, like: Login, *, expired: bool = False) -> Login:
    """A certificate with the same names as another one, but by another CA."""
    original = like.certificate
    authority, key = Key(), Key()
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(original.subject).issuer_name(original.issuer).public_key(
        key.private.public_key()).serial_number(original.serial_number).not_valid_before(
            now - datetime.timedelta(days=2)).not_valid_after(now + datetime.timedelta(days=-1 if expired else 1))
    for extension in original.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    login = Login(folder, like.name, like.server, like.zone)
    login.keep(builder.sign(authority.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode(), key,
               like.roots.read_text())
    return login


def test_a_forged_certificate_gets_401(ack: Site, admin_login: Login, tmp_path: Path) -> None:
    is_unauthorized(Client(stranger(tmp_path / "forged", admin_login), "ack").raw("GET", "/api"))
    refused = Kubectl(stranger(tmp_path / "again", admin_login, expired=True).kubeconfig("ack")).try_run("get", "pods")
    assert refused.code == 1 and LOGGED_OUT in refused.err, refused.err


@pytest.mark.soak
def test_an_expired_certificate_gets_401_and_its_streams_end(ack: Site, admin: Client, admin_login: Login, tmp_path: Path) -> None:
    code = admin.login_code(admin_login.name)
    short = redeem(admin_login.server, code, admin_login.roots.read_text(), tmp_path / "short", seconds=600)
    client = Client(short, "ack", timeout=700)
    with client.stream("/api/v1/namespaces/default/configmaps?watch=1", timeout=700) as watch:
        assert watch.status == 200
        for _ in watch.lines():
            pass  # until the hub ends it
    answer = client.raw("GET", "/api")
    is_unauthorized(answer)
    assert "expired" in answer.json["message"]


def test_revocation_ends_requests_and_open_streams(
    ack: Site, admin: Client, second: Login, let_in: str, namespace: str,
) -> None:
    ack.cluster.kubectl("create", "rolebinding", "reader", "--clusterrole=view", f"--user={let_in}", "-n", namespace)
    mine = Client(second, "ack")
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    wait.until("the rights are there", lambda: mine.raw("GET", path).status == 200)
    kept = mine.connect()
    kept.request("GET", path)
    kept.getresponse().read()
    with mine.stream(f"{path}?watch=1") as watch:
        assert watch.status == 200
        assert next(watch.events())["type"] == "ADDED"
        admin.revoke(second)
        took = wait.Stopwatch()
        wait.until("new requests are refused", lambda: mine.raw("GET", path).status == 401, timeout=1, every=0.02)
        for _ in watch.lines():
            pass
        assert took.seconds <= 5, f"the watch went on for {took.seconds:.1f} s"
    kept.request("GET", path)
    answer = Answer((response := kept.getresponse()).status, response.headers, response.read())
    is_unauthorized(answer)
    assert "revoked" in answer.json["message"]
    refused = Kubectl(second.kubeconfig("ack")).try_run("get", "configmaps", "-n", namespace)
    assert refused.code == 1 and LOGGED_OUT in refused.err, refused.err


def test_a_disabled_or_deleted_user_is_out(ack: Site, admin: Client, tmp_path: Path) -> None:
    name = f"eve-{uuid.uuid4().hex[:6]}"
    login = admin.person(name, tmp_path / "1")
    client = Client(login, "ack")
    assert client.raw("GET", "/version").status == 403  # known to the hub, unknown to the cluster
    admin.delete("users", name)
    wait.until("the deleted user is refused", lambda: client.raw("GET", "/version").status == 401, timeout=2)
    again = admin.person(name, tmp_path / "2")
    assert member_user(admin, again)
    is_unauthorized(client.raw("GET", "/version"))  # the old certificate is not that of the new user
    admin.delete("users", name)


# Words


def test_the_hubs_errors_are_status_objects(admin: Client) -> None:
    answer = admin.raw("GET", "/apis/roadstead.io/v1alpha1/clusters/nothing")
    assert answer.status == 404 and answer.headers.get_content_type() == "application/json"
    assert (answer.json["kind"], answer.json["reason"], answer.json["code"]) == ("Status", "NotFound", 404)


@pytest.mark.parametrize("path", ["/no/such/thing", "/apis/roadstead.io/v1alpha1/planets"])
def test_unknown_paths_are_answered_as_by_an_api_server(admin: Client, ack: Site, path: str) -> None:
    ours, theirs = admin.raw("GET", path), ack.straight().raw("GET", path)
    assert (ours.status, ours.body, ours.headers.get_content_type()) == (
        theirs.status, theirs.body, theirs.headers.get_content_type())


def test_kubectl_prints_an_unknown_cluster_well(admin_login: Login, ack: Site) -> None:
    refused = Kubectl(admin_login.kubeconfig("nowhere")).try_run("get", "--raw", "/api")
    assert refused.code == 1
    assert refused.err.strip() == 'Error from server (NotFound): clusters.roadstead.io "nowhere" not found'
