# SPDX-License-Identifier: Apache-2.0
"""A kind becomes stricter: what its objects hold already may stay, what changes must be right (KEP-4008)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import object_server
from .difference import differences
from .side import Side
from .story import Memory, load, tell

FOLDER = Path(__file__).resolve().parent / "ratchet"
PATH = "/apis/differential.roadstead.io/v1/namespaces/default/ratchets"
AGENT = {"User-Agent": "differential/1", "Content-Type": "application/json"}


@pytest.fixture
def judge_of_ratchets(judge: Side) -> Iterator[Side]:
    """The kind is not there yet, and gone in the end, for a test bed that stays."""
    yield judge
    judge.request("DELETE", f"{CRDS}/ratchets.differential.roadstead.io", None, AGENT)


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def serve(judge: Side, file: str) -> None:
    """The API server answers by this form of the kind."""
    text = (FOLDER / file).read_text()
    answer = judge.request("PATCH", f"{CRDS}/ratchets.differential.roadstead.io?fieldManager=test&force=true", text,
                           {**AGENT, "Content-Type": "application/apply-patch+yaml"})
    assert answer.status in (200, 201), answer.body
    probe = '{"apiVersion":"differential.roadstead.io/v1","kind":"Ratchet","metadata":{"name":"probe"},"spec":{"text":"too long"}}'
    wanted = 422 if file == "strict.yaml" else 201
    deadline = time.monotonic() + 30
    while judge.request("POST", f"{PATH}?dryRun=All", probe, AGENT).status != wanted:
        assert time.monotonic() < deadline, f"{file} is not served"
        time.sleep(0.1)


def test_what_was_there_may_stay(judge_of_ratchets: Side, tmp_path: Path) -> None:
    judge, store, different = judge_of_ratchets, tmp_path / "hub.db", []
    real = Memory(judge)
    ours: Memory | None = None
    for kind, story in (("loose.yaml", "before.yaml"), ("strict.yaml", "after.yaml")):
        serve(judge, kind)
        with object_server(store, [FOLDER / kind]) as hub:
            ours = Memory(hub, masker=ours.masker, saved=ours.saved) if ours else Memory(hub)
            for case in load(FOLDER / story):
                found = differences(tell(case, real), tell(case, ours))
                if found:
                    different.append("\n".join([f"  {story}: {case.name}: {case.do}", *found]))
    assert not different, f"{len(different)} differ\n" + "\n".join(different)
