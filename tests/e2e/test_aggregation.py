# SPDX-License-Identifier: Apache-2.0
"""An API that the member's API server only passes on (APIService) goes through the hub untouched."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator

import pytest

from e2e.support import pods, tools, wait
from e2e.support.agents import Site
from e2e.support.client import Answer, Client
from e2e.support.kubectl import Kubectl

API = "/apis/shop.test/v1"


@pytest.fixture
def shop(ack: Site, direct: Kubectl) -> Iterator[str]:
    """tests/e2e/go/tools/aggregated.go behind an APIService."""
    server = pods.pod("shop", "", image=tools.image(ack.cluster), command=["/tools", "aggregated"])
    pods.run(direct, server)
    for document in (
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"},
         "spec": {"selector": {"app": "shop"}, "ports": [{"port": 443, "targetPort": 8443}]}},
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.shop.test"},
         "spec": {"group": "shop.test", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15,
                  "insecureSkipTLSVerify": True, "service": {"namespace": direct.namespace, "name": "shop"}}},
    ):
        direct("apply", "-f", "-", stdin=json.dumps(document))
    try:
        wait.until("the API is there", lambda: direct("get", "--raw", f"{API}/fishes"), timeout=30, every=0.2)
        yield API
    finally:
        ack.cluster.kubectl("delete", "apiservice", "v1.shop.test")


def equal(ours: Answer, theirs: Answer) -> None:
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    own = {"date", "audit-id", "x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid", "connection",
           "transfer-encoding", "content-length", "x-content-type-options", "cache-control"}
    fields = lambda a: sorted((n.lower(), v) for n, v in a.headers.items() if n.lower() not in own)  # noqa: E731
    assert fields(ours) == fields(theirs)


def test_an_aggregated_api_passes_untouched(shop: str, ack: Site, kubectl: Kubectl, direct: Kubectl, member: Client, admin: Client) -> None:
    for args in (("get", "fishes"), ("get", "fishes", "-o", "yaml"), ("get", "fish", "cod", "-o", "json"),
                 ("api-resources", "--api-group=shop.test"), ("get", "--raw", f"{shop}/nothing")):
        assert kubectl.try_run(*args) == direct.try_run(*args), args

    # Media types, fields and bytes that nobody between knows.
    for encoding in ("identity", "gzip"):
        headers = {"Accept": "application/x-fish", "Accept-Encoding": encoding}
        ours = member.raw("GET", f"{shop}/fishes/cod/odd", headers=headers)
        assert ours.headers.get("Content-Encoding", "identity") == encoding and len(ours.body) > 100
        assert ours.headers.get_all("X-Twice") == ["one", "two"]
        equal(ours, ack.straight().raw("GET", f"{shop}/fishes/cod/odd", headers))
    body = os.urandom(300_000)
    sent = member.raw("POST", f"{shop}/fishes", body, {"Content-Type": "application/x-scales"})
    assert sent.status == 201
    assert sent.headers["X-Input"] == f"{len(body)} {hashlib.sha256(body).hexdigest()} application/x-scales"

    # A watch comes as it is written.
    watch = wait.Stopwatch()
    with member.stream(f"{shop}/fishes?watch=1") as stream:
        moments = [(event["object"]["metadata"]["name"], watch.seconds) for event in stream.events()]
    assert [name for name, _ in moments] == ["cod", "herring", "pike"]
    assert moments[-1][1] - moments[0][1] > 0.4, "the events came in one lump"

    # Kubernetes hands the person on, and nothing of the Agent.
    caller = {name.lower(): values for name, values in json.loads(kubectl("get", "--raw", f"{shop}/fishes/cod/caller")).items()}
    user = json.loads(kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]["username"]
    assert caller["x-remote-user"] == [user] and caller["x-remote-group"] == ["system:authenticated"]
    assert not [name for name in caller if name.startswith("impersonate-") or name == "authorization"], caller
