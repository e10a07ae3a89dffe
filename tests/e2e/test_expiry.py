# SPDX-License-Identifier: Apache-2.0
"""What was issued long ago is worth nothing now. A hub that lived in the past makes it, so that nobody has to wait."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from e2e.support import paths
from e2e.support.client import GROUP, ApiError, Client, Connection, Key, Login, exchange, log_in, redeem
from e2e.support.hostile_agent import ENROL, HostileLane, Registered
from e2e.support.http2 import Ended
from e2e.support.hub import Hub

DAY = 86400
SOURCE = paths.ROOT / "tests" / "e2e" / "support" / "past.c"


@dataclass
class Past:
    """A hub that runs now, and what it issued eight days ago."""

    hub: Hub
    admin: Client
    expired: Login
    code: str
    token: str
    agent: Registered


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    compiler = next((c for c in ("cc", "gcc", "clang", "clang-19") if shutil.which(c)), None)
    assert compiler, "no C compiler on PATH"
    folder = tmp_path_factory.mktemp("past")
    shim = folder / "past.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim, SOURCE, "-ldl"], check=True)
    hub = Hub(folder / "hub", "127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(shim))
        patch.setenv("PAST_SECONDS", str(8 * DAY))
        hub.start()
    first = hub.first_login()
    old = Client(log_in(first.server, first.code, first.pin, folder / "old"))
    assert old.raw("GET", f"{GROUP}/clusters").status == 200, "then it was valid"
    # A month is the longest, and still valid today.
    admin = redeem(first.server, old.login_code(old.login.name), old.login.roots.read_text(), folder / "admin", seconds=30 * DAY)
    old.create("clusters", "ancient")
    agent = Registered(old, "ancient", folder / "agent")
    lane = HostileLane(agent).ready()
    assert lane.control, "then its certificate was valid"
    lane.wire.close()
    made = Past(hub, Client(admin), old.login, old.login_code(old.login.name), token_of(old), agent)
    hub.restart()
    yield made
    hub.stop()


def token_of(client: Client) -> str:
    secret = next(d for d in yaml.safe_load_all(client.register("ancient")["manifest"]) if d and d["kind"] == "Secret")
    return base64.b64decode(secret["data"]["token"]).decode()


def test_the_hub_lives_now(past: Past) -> None:
    assert past.admin.raw("GET", f"{GROUP}/clusters").status == 200


@pytest.mark.parametrize("where", ["", "ancient"])
def test_an_expired_certificate_gets_401_and_its_reason(past: Past, where: str) -> None:
    path = f"{GROUP}/clusters" if not where else "/api"
    answer = Client(past.expired, where).raw("GET", path)
    assert answer.status == 401 and answer.json["reason"] == "Unauthorized"
    assert "expired" in answer.json["message"]


def test_an_expired_login_code_is_refused(past: Past, tmp_path: Path) -> None:
    with pytest.raises(ApiError) as refused:
        redeem(past.expired.server, past.code, past.expired.roots.read_text(), tmp_path / "late")
    assert refused.value.answer.status == 401
    assert any(word in refused.value.answer.json["message"] for word in ("expired", "unknown"))  # after a while it is swept out


def test_an_expired_registration_token_is_refused(past: Past) -> None:
    context = ssl.create_default_context(cadata=past.agent.roots)
    answer = exchange(Connection(past.admin.address, ENROL, context), "POST", "/enrol/v1/certificate",
                      {"cluster": "ancient", "csr": Key().csr(), "replica": "a"}, {"Authorization": f"Bearer {past.token}"})
    assert answer.status == 401 and any(word in answer.json["message"] for word in ("expired", "unknown"))


def test_an_agents_expired_certificate_opens_no_lane(past: Past) -> None:
    try:
        wire = past.agent.dial()
    except ssl.SSLError:
        return
    with pytest.raises(Ended):
        wire.read()
