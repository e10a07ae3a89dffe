# SPDX-License-Identifier: Apache-2.0
"""Groups of the hub's users in a member cluster, and what a user may do with their own credential."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.support import paths, wait
from e2e.support.agents import AS_ACCOUNT, Site
from e2e.support.cli import Cli
from e2e.support.client import Client, Login
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl
from testbed import build


@pytest.fixture
def person(admin: Client, tmp_path: Path) -> Iterator[Login]:
    name = f"amy-{uuid.uuid4().hex[:6]}"
    yield admin.person(name, tmp_path / name, groups=["dev", "ops"])
    admin.delete("users", name)


def grant(site: Site, name: str, kind: str, who: str) -> None:
    """Lets the Agent act as that user or group."""
    site.cluster.kubectl("create", "clusterrole", name, "--verb=impersonate", f"--resource={kind}", f"--resource-name={who}")
    site.cluster.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}",
                         f"--serviceaccount={AS_ACCOUNT.removeprefix('system:serviceaccount:')}")


def groups_seen(site: Site, member: Client) -> list[str]:
    offset = site.cluster.audit_offset()
    number = member.raw("GET", "/api/v1/namespaces/default/configmaps").headers["Audit-ID"]
    event: dict[str, Any] = wait.until(
        "the request is in the audit log", lambda: next(site.cluster.audit_events(offset=offset, audit_id=number)))
    return list(event["impersonatedUser"]["groups"])


def test_groups_reach_the_member_as_far_as_it_grants_them(
    ack: Site, admin: Client, person: Login, namespace: str,
) -> None:
    status = admin.credential_of(person)["status"]
    dev, ops = status["memberGroups"]
    assert dev.startswith("rs:group:dev:") and ops.startswith("rs:group:ops:")
    made = [f"test:{person.name}", f"test:{person.name}:dev", f"test:{person.name}:ops"]
    member = Client(person, "ack")
    try:
        grant(ack, made[0], "users", status["memberUser"])
        # No group is granted to the Agent: the person works without them and is not locked out.
        assert groups_seen(ack, member) == ["system:authenticated"]
        grant(ack, made[1], "groups", dev)
        ack.cluster.kubectl("create", "rolebinding", "devs", "-n", namespace, "--clusterrole=view", f"--group={dev}")
        wait.until("the group counts", lambda: groups_seen(ack, member), done=lambda g: g == [dev, "system:authenticated"],
                   timeout=75, every=2)
        kubectl = Kubectl(person.kubeconfig("ack"), namespace=namespace)
        assert kubectl.try_run("get", "configmaps").code == 0
        assert kubectl.try_run("create", "configmap", "x").code == 1, "the group may only look"
        grant(ack, made[2], "groups", ops)
        wait.until("both count", lambda: groups_seen(ack, member), done=lambda g: g == [dev, ops, "system:authenticated"],
                   timeout=75, every=2)

        # Who leaves a group has it no longer, at once and without a new login.
        with member.stream(f"/api/v1/namespaces/{namespace}/configmaps?watch=1") as watch:
            assert next(watch.events())["type"] == "ADDED"
            admin.patch("users", person.name, {"spec": {"groups": ["ops"]}})
            ended = wait.Stopwatch()
            for _ in watch.lines():
                pass
            assert ended.seconds <= 5
        assert groups_seen(ack, member) == [ops, "system:authenticated"]
        assert kubectl.try_run("get", "configmaps").code == 1
    finally:
        ack.cluster.kubectl("delete", "clusterrole,clusterrolebinding", *made, check=False)


@pytest.mark.parametrize("group", ["system:masters", "system:nodes", "a:b", "Dev", ""])
def test_no_group_is_one_of_kubernetes_own(admin: Client, group: str) -> None:
    answer = admin.raw("POST", "/apis/roadstead.io/v1alpha1/users", {
        "apiVersion": "roadstead.io/v1alpha1", "kind": "User", "metadata": {"name": "nobody"}, "spec": {"groups": [group]}})
    assert answer.status == 422 and "spec.groups[0]" in answer.text, answer.text


def test_a_user_works_renews_and_logs_out(hub: Hub, cli: Cli, admin: Client, ack: Site, tmp_path: Path) -> None:
    name = f"joe-{uuid.uuid4().hex[:6]}"
    shown = cli("user", "create", name)
    code = next(word for word in shown.split() if word.startswith("rsl_"))
    theirs = Cli(tmp_path / name)
    try:
        theirs("login", "--server", hub.server, "--code", code, "--ca-pin", hub.first_login().pin, "--lifetime", "10m")
        assert "ack" in theirs("cluster", "list")
        config = tmp_path / "config"
        theirs("kubeconfig", "ack", "--file", config, "--set-current")
        refused = Kubectl(config, env=theirs.env).try_run("get", "--raw", "/api/v1/namespaces")
        assert refused.code == 1 and "cannot impersonate" in refused.err, refused.err
        login = theirs.login()
        credential = admin.credential_of(login)["metadata"]["name"]
        left = theirs.try_run("logout")
        assert left.code == 0 and "warning" not in left.err, left.err
        assert admin.object("credentials", credential)["spec"]["revoked"] is True
        assert not login.credential.exists()
    finally:
        cli("user", "delete", name, "--yes")


def test_kubectl_completes_the_plugin(cli: Cli, ack: Site) -> None:
    done = subprocess.run([str(build.binary("kubectl")), "__complete", "roadstead", "cluster", "get", "a"], timeout=60,
                          capture_output=True, text=True, env={**cli.env, "PATH": f"{paths.binaries()}:/usr/bin:/bin"})
    assert done.returncode == 0 and "ack" in done.stdout.splitlines(), done
    assert done.stdout.splitlines()[-1] == ":4", done.stdout
