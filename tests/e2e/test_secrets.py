# SPDX-License-Identifier: Apache-2.0
"""Login and registration from end to end, and then a search for every secret of it in everything that is kept or shown."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from e2e.support import raw, wait
from e2e.support.cli import Cli
from e2e.support.client import GROUP, Client
from e2e.support.fake_member import TOKEN
from e2e.support.hub import Hub
from e2e.support.lone_site import LoneAgent, LoneSite

PASSWORD = "a-password-in-a-query"
BEARER = "a-bearer-of-a-person"
COOKIE = "a-cookie-of-a-person"
BODY = "a-secret-in-a-body"


@dataclass
class Story:
    """What a run of login, registration and use leaves behind."""

    hub: Hub
    agent: LoneAgent
    admin: Client
    person: Client
    secrets: dict[str, str] = field(default_factory=dict)


def key_of(pem: str) -> str:
    """The middle of a private key, which is nowhere else."""
    return pem.split("PRIVATE KEY-----")[1].replace("\n", "")[40:100]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("secrets")
    hub = Hub(folder / "hub", "127.0.0.1", "--log-level", "debug").start()
    first = hub.first_login()
    cli = Cli(folder / "cli")
    cli.log_in(first)
    admin = Client(cli.login())
    admin.create("users", "lin")
    code = admin.login_code("lin")
    person = Cli(folder / "lin")
    person("login", "--server", first.server, "--code", code, "--ca-pin", first.pin)
    site = LoneSite.__new__(LoneSite)
    original = LoneAgent.start
    LoneAgent.start = lambda self, *flags: original(self, "--log-level", "debug", *flags)  # type: ignore[method-assign]
    try:
        site.__init__("told", admin, folder / "site")  # type: ignore[misc]
    finally:
        LoneAgent.start = original  # type: ignore[method-assign]
    secret = next(d for d in yaml.safe_load_all(site.agent.bootstrap.read_text()) if d and d["kind"] == "Secret")["data"]
    story = Story(hub, site.agent, admin, Client(person.login(), "told"))
    state = json.loads((site.agent.state / "credentials.json").read_text())["data"]
    story.secrets = {
        "the first login code": first.code, "a login code": code, "the registration token": base64.b64decode(secret["token"]).decode(),
        "the Agent's token at the API server": TOKEN, "the Agent's key": key_of(base64.b64decode(state["tls.key"]).decode()),
        "the administrator's key": key_of(cli.login().credential.read_text()), "a person's key": key_of(person.login().credential.read_text()),
        "a query": PASSWORD, "an Authorization field": BEARER, "a cookie": COOKIE, "a body": BODY,
    }
    use(story, site)
    yield story
    site.agent.kill()
    site.member.close()
    hub.stop()


def use(story: Story, site: LoneSite) -> None:
    fields = {"Authorization": f"Bearer {BEARER}", "Cookie": f"session={COOKIE}"}
    for client in (story.person, Client(story.admin.login, "told"), story.admin):
        client.raw("GET", f"/api/v1/pods/x/exec?command={PASSWORD}", headers=fields)
        client.raw("POST", f"/api/v1/secrets?token={PASSWORD}", json.dumps({"data": BODY}).encode(), fields)
    raw.exchange(story.person, raw.upgrade(f"/api/v1/namespaces/a/pods/x/exec?command={PASSWORD}", more=f"Authorization: Bearer {BEARER}\r\n".encode()))
    # And what goes wrong, since failures are where secrets are written down.
    raw.exchange(story.person, f"GET /x?{PASSWORD} HTTP/1.1\r\nHost: a\r\nAuthorization : {BEARER}\r\n\r\n".encode())
    token = story.secrets["the registration token"]
    again = LoneAgent(site.agent.folder / "again", site.member.kubeconfig(), site.agent.bootstrap.read_text()).start("--log-level", "debug")
    wait.until("a used token is refused", lambda: "used" in again.text())
    again.stop()
    for line in (again.text(), story.hub.text()):
        assert token not in line
    story.admin.raw("POST", "/login/v1/certificate", {"code": story.secrets["a login code"], "csr": "x"})


def forms(secret: str) -> list[bytes]:
    """As text, in base64 at any offset, in hex and in a URL."""
    octets = secret.encode()
    coded = [base64.b64encode(b"\0" * pad + octets)[(pad * 8 + 5) // 6 + 1:][:-4] for pad in range(3)]
    quoted = urllib.parse.quote(secret).encode()
    return [octets, octets.hex().encode(), quoted, *[c for c in coded if len(c) >= 12]]


def found_in(text: bytes, story: Story, *, but: tuple[str, ...] = ()) -> list[str]:
    return [name for name, secret in story.secrets.items() if name not in but and any(form in text for form in forms(secret))]


def test_the_search_finds_what_is_there(story: Story) -> None:
    for name, secret in story.secrets.items():
        for text in (f"x={secret};", base64.b64encode(f"abcd{secret}efgh".encode()).decode(), base64.b64encode(f"ab{secret}xyz".encode()).decode()):
            assert found_in(text.encode(), story) == [name]


def test_no_secret_is_in_a_log(story: Story) -> None:
    log = story.hub.log.read_bytes()
    assert b" request " in log
    first = story.secrets["the first login code"].encode()
    assert log.count(first) == 1, "only in the one line that is meant for the administrator"
    assert not found_in(log.replace(first, b""), story)
    assert b"lane ready" in story.agent.log.read_bytes()
    assert not found_in(story.agent.log.read_bytes(), story)


def test_no_secret_is_in_the_hubs_store(story: Story) -> None:
    files = [path for path in story.hub.folder.rglob("*") if path.is_file() and path != story.hub.log]
    assert [f for f in files if f.name == "hub.db"], files
    for path in files:
        assert not found_in(path.read_bytes(), story), path
        assert path.stat().st_mode & 0o077 == 0 or path.suffix in (".json", ".log"), f"{path} can be read by others"


def test_the_hub_has_no_key_of_a_certificate_authority_in_clear(story: Story) -> None:
    for path in story.hub.data.rglob("*"):
        if path.is_file() and "images" not in path.parts:  # the Agent's program, which knows the words
            assert b"PRIVATE KEY" not in path.read_bytes(), path


def test_the_agent_forgets_the_token_it_has_used(story: Story) -> None:
    state = json.loads((story.agent.state / "credentials.json").read_text())
    assert "token" not in state["data"], sorted(state["data"])
    assert not found_in(json.dumps(state).encode(), story, but=("the Agent's key",))
    for path in story.agent.state.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_is_in_a_processes_arguments_or_environment(story: Story) -> None:
    for program in (story.hub, story.agent):
        for name in ("cmdline", "environ"):
            assert not found_in(Path(f"/proc/{program.pid}/{name}").read_bytes(), story), (program.name, name)


def test_no_secret_is_in_the_hubs_objects_or_metrics(story: Story) -> None:
    for kind in ("clusters", "users", "credentials"):
        answer = story.admin.raw("GET", f"{GROUP}/{kind}")
        assert answer.status == 200 and not found_in(answer.body, story), kind
    assert not found_in(story.hub.metrics().encode(), story)


def test_a_secret_in_the_address_is_not_in_what_a_refusal_says(story: Story) -> None:
    for client in (story.person, story.admin):
        answer = client.raw("GET", f"/no/such?token={PASSWORD}", headers={"Authorization": f"Bearer {BEARER}"})
        assert not found_in(answer.body, story, but=("a query",)) and answer.status in (200, 403, 404)


def test_tokens_are_long_and_never_the_same(story: Story) -> None:
    tokens = set()
    for _ in range(5):
        manifest = story.admin.register("told")["manifest"]
        secret = next(d for d in yaml.safe_load_all(manifest) if d and d["kind"] == "Secret")["data"]
        tokens.add(base64.b64decode(secret["token"]).decode())
        tokens.add(story.admin.login_code("lin"))
    assert len(tokens) == 10
    for token in tokens:
        assert len(token.partition("_")[2]) >= 43, "256 bits in base64"


def test_a_code_in_a_query_is_nothing_and_is_not_kept(story: Story) -> None:
    code = story.admin.login_code("lin")
    assert story.admin.raw("POST", f"/login/v1/certificate?code={code}", {"csr": "x"}).status in (400, 401, 404)
    assert code not in story.hub.text()
