# SPDX-License-Identifier: Apache-2.0
"""A hub with two shards, and clusters by path: the first shard's calls to a cluster of the second are bridged."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from testbed.bed import Testbed

from e2e import test_kubectl_basic as basic
from e2e import test_streams as streams
from e2e.support import pods, tools, wait
from e2e.support.agents import Site
from e2e.support.cli import Cli
from e2e.support.client import Client, Login
from e2e.support.hub import Hub
from e2e.support.kubectl import SPDY, Kubectl
from e2e.support.load import Load

# With two shards and libstdc++'s hash of a name, "south" lives on the first and "east" on the second.
NAMES = ("south", "east")


@dataclass
class Wide:
    hub: Hub
    login: Login
    sites: dict[str, Site]


@pytest.fixture(scope="module")
def wide(bed: Testbed, work: Path) -> Iterator[Wide]:
    hub = Hub(work / "wide", bed.hub_address, "--shards", "2")
    hub.start()
    sites: dict[str, Site] = {}
    try:
        cli = Cli(work / "wide-admin")
        cli.log_in(hub.first_login())
        # With a login of its own the registration leaves the other hub's objects in the member alone.
        login = Client(cli.login()).person("wide", work / "wide-login" / "it", administrator=True)
        admin = Client(login)
        for name in NAMES:
            sites[name] = Site(bed.cluster("ack", node=True), admin, work / "wide-agents" / name, agents=1, name=name)
            sites[name].register()
        yield Wide(hub, login, sites)
    finally:
        for site in sites.values():
            site.close()
        hub.stop()


@pytest.fixture(params=["east-path", "east-host", "south-path"])
def place(request: pytest.FixtureRequest, wide: Wide) -> Path:
    """A kubeconfig: bridged to the other shard, brought there by the host name, and by path on the same shard."""
    name, form = request.param.split("-")
    return wide.login.kubeconfig(name, by_path=form == "path")


bridged = pytest.mark.parametrize("place", ["east-path"], indirect=True)


@pytest.fixture
def there(place: Path, direct: Kubectl) -> Kubectl:
    return Kubectl(place, namespace=direct.namespace)


def test_reads_and_writes(there: Kubectl, direct: Kubectl) -> None:
    basic.same(there, direct, "get", "configmap", "missing")
    basic.same(there, direct, "get", "nodes")
    basic.same(there, direct, "api-resources")
    assert "created" in there("apply", "-f", "-", stdin=basic.DEPLOYMENT)
    assert "serverside-applied" in there("apply", "--server-side", "-f", "-", stdin=basic.config_map("a", text="x" * 300_000))
    there("patch", "deployment", "web", "-p", '{"metadata":{"labels":{"tier":"front"}}}')
    assert direct("get", "deployment", "web", "-o", "jsonpath={.metadata.labels.tier}") == "front"
    assert json.loads(there("get", "configmap", "a", "-o", "json"))["data"]["text"] == "x" * 300_000
    there("delete", "deployment", "web", "--cascade=foreground")
    assert direct.try_run("get", "deployment", "web").code == 1


def test_watches(there: Kubectl, direct: Kubectl) -> None:
    with basic.watching(there) as seen:
        for n in range(5):
            direct("apply", "-f", "-", stdin=basic.config_map("w", n=str(n)))
        direct("delete", "configmap", "w")
        wait.until("the deletion is shown", lambda: "DELETED w 4" in seen)
        assert [s for s in seen if " w " in s] == ["ADDED w 0", *(f"MODIFIED w {n}" for n in range(1, 5)), "DELETED w 4"]


@bridged
def test_streams(there: Kubectl, direct: Kubectl, tmp_path: Path, wide: Wide) -> None:
    pods.run(direct, pods.pod("shell", "sleep 100000"), pods.pod("talker", "for i in 1 2 3; do echo $i; sleep 0.3; done"))
    assert there("logs", "-f", "talker") == "1\n2\n3\n"
    for kubectl in (there, there.with_env(SPDY)):
        done = kubectl.try_run("exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
        assert (done.code, done.out, done.err) == (7, "out\n", "err\ncommand terminated with exit code 7\n")
        streams.send_stdin(kubectl, "shell", 8 * streams.MIB, tmp_path)
        (tmp_path / "there").write_bytes(content := os.urandom(3 * streams.MIB))
        kubectl("cp", str(tmp_path / "there"), "shell:/tmp/there")
        kubectl("cp", "shell:/tmp/there", str(tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == content
        with streams.on_terminal(kubectl, "exec", "-it", "shell", "--", "sh") as terminal:
            terminal.expect(r"[#$] ")
            terminal.type("exit 3\n")
            assert terminal.exit_code() == 3


@bridged
def test_port_forward(there: Kubectl, direct: Kubectl, wide: Wide) -> None:
    site = wide.sites["east"]
    for kubectl in (there, there.with_env(SPDY)):
        streams.transfer(site, kubectl, direct, 8 * streams.MIB)
        direct("delete", "pod", "server", "--now")


def test_load_and_aborted_requests(place: Path, wide: Wide, namespace: str) -> None:
    programs = [wide.hub, *(site.agents[0] for site in wide.sites.values())]
    before = [p.descriptors() for p in programs]
    with Load(place, namespace, seconds=2, rate=100, write_every=5) as load:
        subprocess.run([str(tools.binary("tools")), "abort", f"--kubeconfig={place}", f"--namespace={namespace}", "--count=500"],
                       check=True, timeout=120)
        outcome = load.finish()
    assert not outcome.failed(outcome.requests), outcome.failed(outcome.requests)[:5]
    wait.until("descriptors are back", lambda: [p.descriptors() for p in programs], timeout=60, every=0.2,
               done=lambda seen: all(now <= then + 8 for now, then in zip(seen, before, strict=True)))


def working(hub: Hub) -> dict[str, int]:
    """Nanoseconds that each thread of the hub has run."""
    return {task.name: int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{hub.pid}/task").iterdir()}


def test_each_cluster_is_served_by_the_thread_of_its_shard(wide: Wide) -> None:
    busiest = []
    for name in NAMES:
        connection = Client(wide.login, name).connect()
        before = working(wide.hub)
        for _ in range(200):
            connection.request("GET", "/version")
            assert connection.getresponse().read()
        connection.close()
        spent = {thread: now - before[thread] for thread, now in working(wide.hub).items()}
        busiest.append(max(spent, key=lambda thread: spent[thread]))
    assert busiest[0] == str(wide.hub.pid) and busiest[1] != busiest[0], busiest
