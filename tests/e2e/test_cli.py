# SPDX-License-Identifier: Apache-2.0
"""The command line against a real hub and a real cluster."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
import yaml

from e2e.support import wait
from e2e.support.agents import Site
from e2e.support.cli import Cli
from e2e.support.client import Client, Login, pinned_roots
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl


@pytest.fixture
def stranger(tmp_path: Path) -> Cli:
    """A command line that knows no hub."""
    return Cli(tmp_path / "stranger")


def test_formats(cli: Cli, ack: Site) -> None:
    assert cli.json("cluster", "get", "ack")["metadata"]["name"] == "ack"
    assert yaml.safe_load(cli("cluster", "get", "ack", "-o", "yaml"))["kind"] == "Cluster"
    assert "cluster.roadstead.io/ack" in cli("cluster", "list", "-o", "name").splitlines()
    table = cli("cluster", "list")
    assert table.splitlines()[0].split()[0] == "NAME" and "v1.36.3" in table and "Running" in table
    assert len(cli("cluster", "list", "-o", "wide").splitlines()[0]) > len(table.splitlines()[0])
    steps = cli("cluster", "get", "ack")
    assert "✓" in steps and "✗" not in steps


def test_a_kubeconfig_works_and_leaves_others_alone(cli: Cli, ack: Site, tmp_path: Path) -> None:
    mine = tmp_path / "config"
    mine.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "own", "clusters": [{"name": "own", "cluster": {"server": "https://x"}}],
        "users": [], "contexts": [{"name": "own", "context": {"cluster": "own", "user": ""}}]}))
    cli("kubeconfig", "ack", "--file", mine)
    merged = yaml.safe_load(mine.read_text())
    assert merged["current-context"] == "own" and "own" in [c["name"] for c in merged["contexts"]]
    cli("kubeconfig", "ack", "--file", mine, "--set-current")
    assert yaml.safe_load(mine.read_text())["current-context"] != "own"
    kubectl = Kubectl(mine, env=cli.env)
    assert ack.cluster.node_name in kubectl("get", "nodes")  # through the exec plug-in
    printed = tmp_path / "printed"
    printed.write_text(cli("kubeconfig", "ack"))
    assert Kubectl(printed, env=cli.env)("version") == kubectl("version")


def test_login_with_a_wrong_pin_sends_nothing(hub: Hub, admin: Client, stranger: Cli, admin_login: Login) -> None:
    code = admin.login_code(admin_login.name)
    refused = stranger.try_run("login", "--server", hub.server, "--code", code, "--ca-pin", "sha256:" + "0" * 64)
    assert refused.code != 0 and "expected CA" in refused.err, refused.err
    pin = hub.first_login().pin
    assert pinned_roots(hub.address, hub.port, pin)
    stranger("login", "--server", hub.server, "--code", code, "--ca-pin", pin)  # the code was not spent
    again = stranger.try_run("login", "--server", hub.server, "--code", code, "--ca-pin", pin)
    assert again.code != 0 and "used" in again.err, again.err


def test_without_a_login_the_way_in_is_told(stranger: Cli) -> None:
    refused = stranger.try_run("cluster", "list")
    assert refused.code != 0 and "roadstead login" in refused.err


def test_users(cli: Cli, hub: Hub, stranger: Cli) -> None:
    name = f"cli-{uuid.uuid4().hex[:6]}"
    shown = cli("user", "create", name)
    code = next(word for word in shown.split() if word.startswith("rsl_"))
    assert name in cli("user", "list")
    stranger("login", "--server", hub.server, "--code", code, "--ca-pin", hub.first_login().pin)
    refused = stranger.try_run("cluster", "create", "mine")
    assert refused.code != 0 and "orbidden" in refused.err, refused.err
    cli("user", "delete", name, "--yes")
    wait.until("the deleted user is out", lambda: stranger.try_run("cluster", "list").code != 0)


@pytest.mark.parametrize(("args", "word"), [
    (("cluster", "get", "no-such"), "no-such"), (("cluster", "create", "Bad_Name"), "Bad_Name"),
    (("cluster", "list", "-o", "xml"), "xml"), (("clutser",), "clutser"), (("kubeconfig", "no-such"), "no-such"),
])
def test_mistakes_are_named(cli: Cli, args: tuple[str, ...], word: str) -> None:
    refused = cli.try_run(*args)
    assert refused.code != 0 and word in refused.err and refused.out == "", refused


def test_connect_and_remove_in_one_command_each(cli: Cli, hub: Hub, ack: Site, idc: Site) -> None:
    """A cluster that is registered already is left alone."""
    before = cli.json("cluster", "get", "ack")["metadata"]
    again = cli.try_run("cluster", "connect", "ack", "--kubeconfig", ack.cluster.kubeconfig, timeout=90)
    assert cli.json("cluster", "get", "ack")["metadata"]["uid"] == before["uid"]
    assert again.code == 0, again.err
