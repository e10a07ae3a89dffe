# SPDX-License-Identifier: Apache-2.0
"""What runs: a hub with many clusters, and one process with an Agent for each of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from e2e.support import client, paths, wait
from e2e.support.client import GROUP
from e2e.support.hub import Hub
from e2e.support.process import Program, die_with_parent
from harness import load, scratch
from harness.load import Endpoint
from tunnel.world import World as OneCluster

LOOPBACK = "127.0.0.1"
SETTLE_SECONDS = 1.5
WATCHES_OF_ONE = 50  # of one connection
WATCH = "/api/v1/namespaces/bench/pods?watch=true&rate="
RARELY = "0.001"  # events a second: none while it is measured
PAGE = 500
QUIET_SECONDS = 0.5


class Fleet(Program):
    """The simulator. Made while the hub does not run."""

    def __init__(self, folder: Path, hub: Hub, login: client.Login, members: Path) -> None:
        super().__init__("fleet", folder / "fleet.log")
        with self.log.open("ab") as log:
            self._pipe = subprocess.Popen(
                [str(paths.program("fleet-simulator")), "--data-dir", str(hub.data), "--members", str(members), "--hub", hub.endpoint,
                 "--roots", str(login.roots), "--credential", str(login.credential)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=die_with_parent)
        self.process = self._pipe  # type: ignore[assignment]
        self.members = int(self._answer()["members"])

    def ask(self, do: str, **more: float) -> dict[str, Any]:
        assert self._pipe.stdin is not None
        self._pipe.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._pipe.stdin.flush()
        return self._answer()

    def connected(self) -> int:
        return int(self.ask("stats")["connected"])

    def _answer(self) -> dict[str, Any]:
        assert self._pipe.stdout is not None
        line = self._pipe.stdout.readline()
        assert line, f"the simulator has ended:\n{self.tail()}"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer
        return answer


class World:
    """`with World(members) as world`: a hub with that many clusters runs, and no Agent has dialled yet."""

    def __init__(self, members: int, hub_flags: Sequence[str] = ()) -> None:
        self.members = members
        self.folder = scratch.folder()
        self.load = load.program()
        self.hub = Hub(self.folder / "hub", LOOPBACK, *hub_flags)
        self._fleet: Fleet | None = None

    @property
    def fleet(self) -> Fleet:
        assert self._fleet is not None
        return self._fleet

    def __enter__(self) -> World:
        try:
            self.hub.start()
            first = self.hub.first_login()
            self.login = client.log_in(first.server, first.code, first.pin, self.folder / "admin")
            self.admin = client.Client(self.login, timeout=120)
            self._create_clusters()
            listed = self._list_clusters()
            self.hub.stop()
            self._fleet = Fleet(self.folder, self.hub, self.login, listed)
            self.hub.start()
            self.settle()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._fleet is not None:
            self._fleet.kill()
        self.hub.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dial(self, count: int, seconds: float) -> None:
        """Returns when this many more Agents are connected."""
        wanted = self.fleet.connected() + count
        self.fleet.ask("dial", count=count, seconds=seconds)
        wait.until(f"{wanted} Agents are connected", self.fleet.connected, timeout=120, done=lambda n: n >= wanted, every=0.1,
                   dump=lambda: json.dumps(self.fleet.ask("stats")) + "\n" + self.hub.tail())

    def settle(self, share: float = 0.25, patience: float = 120) -> None:
        """Returns when the hub uses less than this share of a core, or patience has run out."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            before = self.hub.cpu_seconds()
            time.sleep(QUIET_SECONDS)
            if self.hub.cpu_seconds() - before < share * QUIET_SECONDS:
                return

    def _create_clusters(self) -> None:
        endpoint = Endpoint(self.hub.endpoint, LOOPBACK, self.login.roots, self.login.credential, self.login.credential)
        done = load.measure(self.load, endpoint, {}, {
            "kind": "count", "count": self.members, "connections": 8, "streams": 8, "plain": True,
            "ask": {"method": "POST", "path": f"{GROUP}/clusters", "content_type": "application/json",
                    "body": json.dumps({"apiVersion": "roadstead.io/v1alpha1", "kind": "Cluster",
                                        "metadata": {"name": "c-{n}"}, "spec": {"displayName": "Site {n}"}})}}, 600)
        assert done.failures == 0, done.first_error

    def _list_clusters(self) -> Path:
        found: list[dict[str, str]] = []
        token = ""
        while True:
            page = self.admin.get(f"{GROUP}/clusters?limit={PAGE}&continue={token}")
            found += [{"name": c["metadata"]["name"], "uid": c["metadata"]["uid"]} for c in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                break
        assert len(found) == self.members
        path = self.folder / "members.json"
        path.write_text(json.dumps(found))
        return path


def agent_alone(watches: int) -> dict[str, float]:
    """A real Agent with one lane: bytes resident while it is idle, and what each of many idle watches adds. The slope between a few
    and many: the first ones also bring in pages of the program that had not run before."""
    few = watches // 4
    with OneCluster(()) as world:
        agent = world.agent
        time.sleep(SETTLE_SECONDS)
        idle = agent.resident_bytes()

        def held(count: int) -> int:
            window = load.measure(world.load, world.ways["ours"].endpoint, {"agent": agent.pid}, {
                "kind": "watch", "path": f"{WATCH}{RARELY}", "connections": count // WATCHES_OF_ONE, "streams": WATCHES_OF_ONE,
                "warmup": 6, "seconds": 3, "plain": True})
            assert window.failures == 0, window.first_error
            return window.peak["agent"]

        first = held(few)
        return {"idle": float(idle), "watch": (held(watches) - first) / (watches - few)}
