# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes' controllers do for an API server, done by a real hub for its own objects."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from e2e.support import wait
from e2e.support.client import Client
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl

HOLD = "example.com/hold"


@pytest.fixture
def kubectl(binaries: None, lone_admin: Client) -> Kubectl:
    """kubectl as the administrator, at the hub's own API."""
    return Kubectl(lone_admin.login.kubeconfig(""))


class Family:
    """Users that own each other, under names of their own."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self.prefix = f"f{uuid.uuid4().hex[:8]}"

    def make(self, name: str, *owners: dict[str, Any], blocks: bool = True, finalizers: tuple[str, ...] = ()) -> Any:
        references = [{"apiVersion": o["apiVersion"], "kind": o["kind"], "name": o["metadata"]["name"],
                       "uid": o["metadata"]["uid"], "blockOwnerDeletion": blocks} for o in owners]
        metadata = {"name": f"{self.prefix}-{name}", "ownerReferences": references, "finalizers": list(finalizers)}
        text = json.dumps({"apiVersion": "roadstead.io/v1alpha1", "kind": "User", "metadata": metadata})
        return json.loads(self.kubectl("create", "-f", "-", "-o", "json", stdin=text))

    def delete(self, name: str, cascade: str, *, waits: bool = True) -> None:
        self.kubectl("delete", "user.roadstead.io", f"{self.prefix}-{name}", f"--cascade={cascade}",
                     f"--wait={str(waits).lower()}", "--timeout=20s")

    def release(self, name: str) -> None:
        self.kubectl("patch", "user.roadstead.io", f"{self.prefix}-{name}", "--type=merge", "-p",
                     '{"metadata":{"finalizers":null}}')

    def get(self, name: str) -> Any:
        return json.loads(self.kubectl("get", "user.roadstead.io", f"{self.prefix}-{name}", "-o", "json"))

    def there(self) -> set[str]:
        names = self.kubectl("get", "users.roadstead.io", "-o", "name").split()
        return {n.rpartition("/")[2].removeprefix(f"{self.prefix}-") for n in names if f"/{self.prefix}-" in n}


@pytest.fixture
def family(kubectl: Kubectl) -> Family:
    return Family(kubectl)


def test_in_the_background_dependents_go_after_the_owner(family: Family) -> None:
    owner = family.make("owner")
    child = family.make("child", owner)
    family.make("grandchild", child)
    family.make("stranger")
    family.delete("owner", "background")
    assert "owner" not in family.there()
    wait.until("only the stranger is left", family.there, done=lambda names: names == {"stranger"})


def test_in_the_foreground_the_owner_goes_last(family: Family) -> None:
    owner = family.make("owner")
    family.make("child", owner, finalizers=(HOLD,))
    family.make("free", owner)
    family.delete("owner", "foreground", waits=False)
    wait.until("the child that nothing holds is gone", family.there, done=lambda names: names == {"owner", "child"})
    marked = family.get("owner")["metadata"]
    assert marked["finalizers"] == ["foregroundDeletion"] and marked["deletionTimestamp"]
    family.release("child")
    wait.until("all are gone", family.there, done=lambda names: not names)


def test_kubectl_waits_for_a_deletion_in_the_foreground(family: Family) -> None:
    owner = family.make("owner")
    for number in range(20):
        family.make(f"child{number}", owner)
    family.delete("owner", "foreground")
    assert family.there() == set()


def test_orphans_stay_without_the_reference(family: Family) -> None:
    owner, other = family.make("owner"), family.make("other")
    family.make("child", owner)
    family.make("shared", owner, other)
    family.delete("owner", "orphan")
    assert family.there() == {"other", "child", "shared"}
    assert "ownerReferences" not in family.get("child")["metadata"]
    assert [o["name"] for o in family.get("shared")["metadata"]["ownerReferences"]] == [f"{family.prefix}-other"]


def test_an_object_stays_while_one_owner_is_there(family: Family) -> None:
    one, two = family.make("one"), family.make("two")
    family.make("child", one, two)
    family.delete("one", "background")
    wait.until("the reference is gone", lambda: len(family.get("child")["metadata"]["ownerReferences"]),
               done=lambda count: count == 1)
    family.delete("two", "background")
    wait.until("the child is gone", family.there, done=lambda names: not names)


def test_what_lost_its_owner_while_the_hub_was_away_goes(family: Family, lone_hub: Hub) -> None:
    owner = family.make("owner")
    family.make("child", owner, finalizers=(HOLD,))
    family.make("late", owner)
    family.delete("owner", "foreground", waits=False)
    lone_hub.restart()
    family.release("child")
    wait.until("all are gone", family.there, done=lambda names: not names)


def test_a_namespace_ends(kubectl: Kubectl) -> None:
    name = f"n{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    assert kubectl("get", "namespace", name, "-o", "jsonpath={.status.phase}") == "Active"
    kubectl("delete", "namespace", name, "--timeout=20s")
    assert kubectl.try_run("get", "namespace", name).code == 1
    kubectl("create", "namespace", name)  # the name is free again
    kubectl("delete", "namespace", name, "--timeout=20s")


def test_the_queues_are_measured(family: Family, lone_hub: Hub) -> None:
    owner = family.make("owner")
    family.make("child", owner)
    family.delete("owner", "background")
    wait.until("the child is gone", family.there, done=lambda names: not names)
    metrics = lone_hub.metrics()
    for name in ("depth", "oldest_age_seconds", "retries_total", "adds_total"):
        assert f'roadstead_workqueue_{name}{{queue="garbage-collector"}}' in metrics
    assert "roadstead_garbage_collected_total" in metrics
