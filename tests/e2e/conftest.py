# SPDX-License-Identifier: Apache-2.0
"""One test bed, one hub and two registered clusters for the whole run; a namespace of its own for each test."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parents[1]
for _folder in (_TESTS, _TESTS / "testbed"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from e2e.support import paths  # noqa: E402
from e2e.support.agents import Site  # noqa: E402
from e2e.support.cli import Cli  # noqa: E402
from e2e.support.client import Client, Login, log_in  # noqa: E402
from e2e.support.hub import Hub  # noqa: E402
from e2e.support.kubectl import Kubectl  # noqa: E402
from testbed.bed import Testbed, default_root  # noqa: E402
from testbed.cluster import Cluster  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: the long form of a test; ./dev soak runs it")


@pytest.fixture(scope="session")
def bed() -> Iterator[Testbed]:
    if os.geteuid() != 0:
        pytest.skip("real clusters need root")
    for name in ("roadstead-hub", "roadstead-agent", "roadstead"):
        paths.program(name)
    kept = os.environ.get("ROADSTEAD_E2E_BED")  # name of a test bed that stays, for work on the tests themselves
    made = Testbed.named(kept) if kept else Testbed(default_root(f"e2e-{os.getpid()}"), ephemeral=True)
    try:
        made.up([made.cluster("ack", node=True), made.cluster("idc-k8s", node=False)])
        yield made
    finally:
        if not kept:
            made.down()


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs and state of the programs under test."""
    return tmp_path_factory.mktemp("roadstead")


@pytest.fixture(scope="session")
def session_hub(bed: Testbed, work: Path) -> Iterator[Hub]:
    hub = Hub(work / "hub", bed.hub_address)
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@pytest.fixture(scope="session")
def lone_hub(work: Path) -> Iterator[Hub]:
    """A hub without a test bed, for tests that need no real cluster."""
    made = Hub(work / "lone", "127.0.0.1").start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def lone_admin(lone_hub: Hub, work: Path) -> Client:
    """The first administrator of `lone_hub`."""
    first = lone_hub.first_login()
    return Client(log_in(first.server, first.code, first.pin, work / "lone-admin"))


@pytest.fixture
def hub(session_hub: Hub) -> Hub:
    """The hub of the run; started again when a test before has left it dead."""
    if not session_hub.running:
        session_hub.start()
    return session_hub


@pytest.fixture(scope="session")
def cli(session_hub: Hub, work: Path) -> Cli:
    """The command line, logged in as the first administrator."""
    made = Cli(work / "admin")
    made.log_in(session_hub.first_login())
    return made


@pytest.fixture(scope="session")
def admin_login(cli: Cli) -> Login:
    return cli.login()


@pytest.fixture(scope="session")
def admin(admin_login: Login) -> Client:
    """The first administrator at the hub's own API."""
    return Client(admin_login)


@pytest.fixture(scope="session")
def session_ack(bed: Testbed, admin: Client, work: Path) -> Iterator[Site]:
    yield from _registered(bed.cluster("ack", node=True), admin, work)


@pytest.fixture(scope="session")
def session_idc(bed: Testbed, admin: Client, work: Path) -> Iterator[Site]:
    yield from _registered(bed.cluster("idc-k8s", node=False), admin, work)


def _registered(cluster: Cluster, admin: Client, work: Path) -> Iterator[Site]:
    site = Site(cluster, admin, work / cluster.name)
    try:
        yield site.register()
    finally:
        site.close()


@pytest.fixture
def ack(hub: Hub, session_ack: Site) -> Site:
    """Registered, with a real node and two Agents; whole again when a test before has broken it."""
    session_ack.heal()
    return session_ack


@pytest.fixture
def idc(hub: Hub, session_idc: Site) -> Site:
    """The same without a node."""
    session_idc.heal()
    return session_idc


def _namespace(site: Site, request: pytest.FixtureRequest) -> Iterator[str]:
    short = "".join(c if c.isalnum() else "-" for c in request.node.originalname.lower())[:40].strip("-")
    name = f"{short.removeprefix('test-')}-{uuid.uuid4().hex[:5]}"
    site.cluster.kubectl("create", "namespace", name)
    yield name
    site.cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


@pytest.fixture
def namespace(ack: Site, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test in `ack`."""
    yield from _namespace(ack, request)


@pytest.fixture
def kubectl(ack: Site, admin_login: Login, namespace: str) -> Kubectl:
    """kubectl through the hub to `ack`, in the test's namespace."""
    return Kubectl(admin_login.kubeconfig("ack"), namespace=namespace)


@pytest.fixture
def direct(ack: Site, namespace: str) -> Kubectl:
    """kubectl directly to `ack`, in the test's namespace."""
    return Kubectl(ack.cluster.kubeconfig, namespace=namespace)


@pytest.fixture
def member(ack: Site, admin_login: Login) -> Client:
    """Raw requests of the administrator to `ack` through the hub."""
    return Client(admin_login, "ack")
