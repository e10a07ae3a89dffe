# SPDX-License-Identifier: Apache-2.0
"""A real kube-apiserver without controllers, and the hub's object API, both with the same CRDs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for _folder in (ROOT / "tests", ROOT / "tests" / "testbed"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from differential.side import Side  # noqa: E402
from differential.story import PLURALS  # noqa: E402
from testbed import build  # noqa: E402
from testbed.bed import Testbed, default_root  # noqa: E402
from testbed.cluster import API_PORT, Cluster  # noqa: E402

KINDS = ROOT / "api" / "kinds"
TEST_KINDS = Path(__file__).resolve().parent / "kinds"
# What changes objects on its own.
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")


@pytest.fixture(scope="session")
def judge() -> Iterator[Side]:
    if os.geteuid() != 0:
        pytest.skip("real clusters need root")
    build.ensure(build.CONTROL_PLANE)
    kept = os.environ.get("ROADSTEAD_DIFFERENTIAL_BED")  # name of a test bed that stays, for work on the cases
    bed = Testbed.named(kept) if kept else Testbed(default_root(f"differential-{os.getpid()}"), ephemeral=True)
    try:
        cluster = bed.cluster("judge", node=False)
        bed.up([cluster])
        yield prepared(cluster)
    finally:
        if not kept:
            bed.down()


def prepared(cluster: Cluster) -> Side:
    for name, pid in cluster.component_pids().items():
        if name in CONTROLLERS:
            os.kill(pid, 15)
    cluster.kubectl("apply", "-f", str(KINDS), "-f", str(TEST_KINDS))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    cluster.kubectl("create", "namespace", "other", check=False)
    side = Side.of_cluster(cluster.network.management_address, API_PORT, cluster.layout.pki)
    wait_until_served(side)
    return side


def wait_until_served(side: Side) -> None:
    """A new kind answers 404 or 429 until its storage is there."""
    deadline = time.monotonic() + 30
    for plural, (base, _, _) in PLURALS.items():
        while side.request("GET", f"{base}/{plural}", None, {}).status != 200:
            assert time.monotonic() < deadline, f"{plural} are not served"
            time.sleep(0.1)


@contextmanager
def object_server(store: Path, kinds: list[Path]) -> Iterator[Side]:
    """The hub's object API on this store, without our admission rules."""
    folder = Path(os.environ.get("ROADSTEAD_BIN", ROOT / "build" / "debug" / "bin"))
    process = subprocess.Popen([str(folder / "object-server"), str(store), *map(str, kinds)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        host, port = line.removeprefix("listening on ").strip().rsplit(":", 1)
        side = Side("hub", host, int(port))
        yield side
        side.close()
        assert process.poll() is None, "the object server has ended"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    with object_server(tmp_path_factory.mktemp("hub") / "hub.db", sorted(TEST_KINDS.glob("*.yaml"))) as side:
        side.request("POST", "/api/v1/namespaces", '{"metadata":{"name":"other"}}', {"Content-Type": "application/json"})
        yield side
