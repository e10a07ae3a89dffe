# SPDX-License-Identifier: Apache-2.0
"""Clusters, a hub and Agents for the two runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.suite import Suite
from e2e.support import client
from e2e.support.agents import Site
from e2e.support.client import Client, Login
from e2e.support.hub import Hub
from testbed import images
from testbed.bed import Testbed
from testbed.cluster import Cluster

SIDES = ("direct", "hub")
# One spec waits until the history of etcd is compacted away, five minutes as a rule.
_FLAGS = ["--etcd-compaction-interval=60s"]


@dataclass(frozen=True)
class Lane:
    """One cluster with the two ways to it. Its specs run one after the other."""

    cluster: Cluster
    hub: Hub | None
    suites: dict[str, Suite]

    @property
    def name(self) -> str:
        return self.cluster.name


@contextmanager
def stage(folder: Path, lanes: int, sides: list[str]) -> Iterator[list[Lane]]:
    """Everything ends with the `with` or with this process."""
    with ExitStack() as stack:
        bed = stack.enter_context(Testbed.named(f"conformance-{folder.name}", ephemeral=True))
        clusters = [bed.cluster(f"member-{number}", node=True, apiserver_flags=_FLAGS) for number in range(1, lanes + 1)]
        bed.up(clusters)
        for cluster in clusters:
            for tar in images.for_e2e():
                cluster.import_image(tar)
        if "hub" not in sides:
            yield [_lane(cluster, None, None, folder) for cluster in clusters]
            return
        hub = Hub(folder / "hub", bed.hub_address).start()
        stack.callback(hub.stop)
        first = hub.first_login()
        login = client.log_in(first.server, first.code, first.pin, folder / "admin")
        for cluster in clusters:
            site = Site(cluster, Client(login), folder / "agents" / cluster.name)
            stack.callback(site.close)
            site.register()
        yield [_lane(cluster, hub, login, folder) for cluster in clusters]


def _lane(cluster: Cluster, hub: Hub | None, login: Login | None, folder: Path) -> Lane:
    suites = {"direct": Suite(cluster.kubeconfig, _folder(folder, cluster, "direct"), {})}
    if hub is not None and login is not None:
        own = _folder(folder, cluster, "hub")
        name = f"{cluster.name}.{login.zone}"
        suites["hub"] = Suite(_by_name(login.kubeconfig(cluster.name, own), name), own, {name: hub.address})
    return Lane(cluster, hub, suites)


def _folder(folder: Path, cluster: Cluster, side: str) -> Path:
    own = folder / "runs" / f"{cluster.name}-{side}"
    own.mkdir(parents=True, exist_ok=True)
    return own


def _by_name(kubeconfig: Path, name: str) -> Path:
    """The cluster's host name in the URL.

    The suite passes `--server` of the kubeconfig on to every kubectl, and with `--server` client-go drops the kubeconfig's
    `tls-server-name`; so the name stands in the URL, and only the suite's processes resolve it.
    """
    config = json.loads(kubeconfig.read_text())
    target = config["clusters"][0]["cluster"]
    port = target["server"].rpartition(":")[2]
    target["server"] = f"https://{name}:{port}"
    del target["tls-server-name"]
    kubeconfig.write_text(json.dumps(config))
    return kubeconfig
