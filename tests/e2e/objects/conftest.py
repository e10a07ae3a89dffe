# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "testbed"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from e2e.support.client import Client, log_in  # noqa: E402
from e2e.support.hub import Hub  # noqa: E402
from object_api import BASE, Api  # noqa: E402
from object_server import ObjectServer  # noqa: E402
from testbed import build  # noqa: E402
from testbed.bed import Testbed, default_root  # noqa: E402
from testbed.cluster import API_PORT  # noqa: E402

KINDS = ROOT / "api" / "kinds"


def _program() -> Path:
    """The program that the build of this run has made."""
    folder = Path(os.environ.get("ROADSTEAD_BIN", ROOT / "build" / "debug" / "bin"))
    return folder / "object-server"


@pytest.fixture(scope="session")
def binaries() -> None:
    if os.geteuid() != 0:
        pytest.skip("real clusters need root")
    build.ensure(build.CONTROL_PLANE)


@pytest.fixture
def server(binaries: None, tmp_path: Path) -> Iterator[ObjectServer]:
    """The hub's object API with an empty store of its own."""
    process = subprocess.Popen([str(_program()), str(tmp_path / "hub.db")], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        address = line.removeprefix("listening on ").strip()
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: hub\n"
            f"clusters: [{{name: hub, cluster: {{server: 'http://{address}'}}}}]\n"
            "contexts: [{name: hub, context: {cluster: hub, user: me}}]\nusers: [{name: me, user: {}}]\n")
        host, port = address.rsplit(":", 1)
        yield ObjectServer(Api(host, int(port)), address, kubeconfig)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def judge(binaries: None) -> Iterator[Api]:
    """A real kube-apiserver with the same CRDs."""
    with Testbed(default_root(f"objects-{os.getpid()}"), ephemeral=True) as bed:
        cluster = bed.cluster("judge")
        bed.up([cluster])
        cluster.kubectl("apply", "-f", str(KINDS))
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        api = Api.of_cluster(cluster.network.management_address, API_PORT, cluster.layout.pki)
        wait_until_served(api)
        yield api


def wait_until_served(api: Api) -> None:
    """A new kind answers 429 until its storage is initialised."""
    deadline = time.monotonic() + 30
    for plural in ("clusters", "users", "credentials"):
        while api.request("GET", f"{BASE}/{plural}").status != 200:
            assert time.monotonic() < deadline, f"{plural} are not served"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def hub_admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The first administrator of a real hub with an empty store."""
    folder = tmp_path_factory.mktemp("hub")
    hub = Hub(folder / "hub", "127.0.0.1").start()
    try:
        first = hub.first_login()
        yield Client(log_in(first.server, first.code, first.pin, folder / "admin"))
    finally:
        hub.stop()
