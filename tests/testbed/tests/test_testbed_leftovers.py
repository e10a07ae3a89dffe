# SPDX-License-Identifier: Apache-2.0
"""`down` leaves nothing, also when the tool was killed at any moment before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import leftovers
from testbed.bed import Testbed, default_root

SOURCE = Path(__file__).resolve().parent.parent
_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "sleeper"},
    "spec": {
        "terminationGracePeriodSeconds": 600,
        "containers": [
            {"name": "sleeper", "image": "roadstead.test/busybox:1", "command": ["sh", "-c", "trap '' TERM; sleep 1000 & wait"]}
        ],
    },
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "testbed", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


@pytest.fixture
def name(binaries: None) -> Iterator[str]:
    name = f"leftovers-{os.getpid()}"
    yield name
    subprocess.run(command("down", "--name", name), env=environment(), check=True)


def wait_for(path: Path, tool: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while not path.exists():
        assert tool.poll() is None, f"up ended with {tool.returncode} before {path.name} existed"
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.002)


@pytest.mark.parametrize(
    "moment",
    [
        "index",
        "clusters/c1/slot",
        "clusters/c1/supervisor.json",
        "clusters/c1/control.sock",
        "clusters/c1/logs/containerd.log",
        "clusters/c1/logs/kube-apiserver.log",
        "clusters/c1/logs/kubelet.log",
        "clusters/c1/ready",
    ],
)
def test_down_after_kill(name: str, moment: str) -> None:
    root = default_root(name)
    tool = subprocess.Popen(command("up", "--nodes", "--name", name), env=environment())
    wait_for(root / moment, tool)
    tool.send_signal(signal.SIGKILL)
    tool.wait()
    index = int((root / "index").read_text())
    assert leftovers.of_bed(root, index), "the kill came too late or too early to test anything"

    subprocess.run(command("down", "--name", name), env=environment(), check=True, timeout=60)

    assert leftovers.of_bed(root, index) == {}


def test_up_cleans_what_a_dead_up_has_left_and_down_ends_pods(name: str) -> None:
    root = default_root(name)
    tool = subprocess.Popen(command("up", "--nodes", "--name", name), env=environment())
    wait_for(root / "clusters/c1/logs/kube-apiserver.log", tool)
    tool.send_signal(signal.SIGKILL)
    tool.wait()
    holder = json.loads((root / "clusters/c1/holder.json").read_text())["pid"]
    old = leftovers.users_of(leftovers.namespaces(holder))
    assert len(old) >= 3

    subprocess.run(command("up", "--nodes", "--name", name), env=environment(), check=True, timeout=120)

    assert leftovers.alive(old) == set()
    bed = Testbed(root)
    cluster = bed.cluster("c1", node=True)
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(_POD))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")
    index, new = bed.network.index, leftovers.users_of(leftovers.namespaces(cluster.pid))
    assert len(leftovers.of_bed(root, index)["processes"]) > 8

    subprocess.run(command("down", "--name", name), env=environment(), check=True, timeout=60)

    assert leftovers.alive(new) == set()
    assert leftovers.of_bed(root, index) == {}


def test_ephemeral_clusters_end_with_their_owner(binaries: None) -> None:
    root = default_root(f"ephemeral-{os.getpid()}")
    program = (
        "import sys; from pathlib import Path; from testbed.bed import Testbed\n"
        "bed = Testbed(Path(sys.argv[1]), ephemeral=True); cluster = bed.cluster('a', node=False); cluster.up()\n"
        "print(cluster.pid, flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(root)], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert owner.stdout is not None
        owned = leftovers.users_of(leftovers.namespaces(int(owner.stdout.readline())))
        assert len(owned) >= 5
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        deadline = time.monotonic() + 10
        while leftovers.alive(owned) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert leftovers.alive(owned) == set()
    finally:
        owner.kill()
        Testbed(root).down()
    assert not root.exists()


def test_two_beds_live_side_by_side(binaries: None) -> None:
    first = Testbed(default_root(f"first-{os.getpid()}"), ephemeral=True)
    second = Testbed(default_root(f"second-{os.getpid()}"), ephemeral=True)
    with first, second:
        here, there = first.cluster("same", node=False), second.cluster("same", node=False)
        here.up()
        there.up()
        assert first.hub_address != second.hub_address
        here.kubectl("create", "configmap", "only-here")
        first.down()
        assert "only-here" not in there.kubectl("get", "configmaps", "-o", "name")
        assert leftovers.of_bed(second.root, second.network.index)


def test_a_bed_whose_folder_was_deleted_is_cleaned_by_the_next(binaries: None) -> None:
    lost = Testbed(default_root(f"lost-{os.getpid()}"))
    cluster = lost.cluster("a", node=False)
    cluster.up()
    index, users = lost.network.index, leftovers.users_of(leftovers.namespaces(cluster.pid))
    lost.state.lock_file.unlink()
    shutil.rmtree(lost.root)

    with Testbed(default_root(f"next-{os.getpid()}"), ephemeral=True) as bed, bed.changing():
        assert leftovers.alive(users) == set()
        if bed.network.index != index:
            assert leftovers.of_bed(lost.root, index) == {}
