# SPDX-License-Identifier: Apache-2.0
"""Hubs on either store: PostgreSQL over TLS, backup beside a running hub, moving there and back."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from testbed.relay import Relay

from ..support import paths, wait
from ..support.client import GROUP, Client, Stream, log_in
from ..support.hub import Hub
from .postgres import PostgresServer

PASSWORD = "tide-table-7"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path / "hub", "127.0.0.1")
    try:
        yield made
    finally:
        made.stop()


def administrator(hub: Hub, folder: Path) -> Client:
    first = hub.first_login()
    return Client(log_in(first.server, first.code, first.pin, folder))


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(paths.program("roadstead-hub")), *map(str, arguments)], text=True, capture_output=True,
                          timeout=120, check=False)


def versions(admin: Client) -> dict[str, tuple[str, str]]:
    """uid and resourceVersion of each user."""
    return {u["metadata"]["name"]: (u["metadata"]["uid"], u["metadata"]["resourceVersion"])
            for u in admin.get(f"{GROUP}/users")["items"]}


def watched(admin: Client, since: str, count: int) -> list[tuple[str, str]]:
    """The next `count` events of users."""
    out = []
    with admin.stream(f"{GROUP}/users?watch=1&resourceVersion={since}&timeoutSeconds=20") as stream:
        for line in stream.lines():
            event = json.loads(line)
            out.append((event["type"], event["object"]["metadata"].get("name", "")))
            if len(out) == count:
                return out
    return out


def test_a_hub_keeps_its_objects_in_postgres_over_tls(tmp_path: Path, hub: Hub, postgres: PostgresServer) -> None:
    postgres.use_tls(PASSWORD)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    url = f"postgres://roadstead@localhost:{postgres.port}/postgres?sslrootcert={postgres.certificate}"
    hub.flags = ["--store", url, "--store-password-file", str(secret)]
    hub.start()
    admin = administrator(hub, tmp_path / "admin")
    admin.create("users", "before")
    since = admin.get(f"{GROUP}/users")["metadata"]["resourceVersion"]
    postgres.stop()
    postgres.start()
    admin.create("users", "between")  # the hub finds the database again
    hub.restart()
    admin.create("users", "after")
    assert {"before", "between", "after"} <= set(versions(admin))
    assert watched(admin, since, 2) == [("ADDED", "between"), ("ADDED", "after")]
    assert not (hub.data / "hub.db").exists()
    assert PASSWORD not in hub.text()


def test_what_is_not_verified_is_refused_at_once(tmp_path: Path, postgres: PostgresServer) -> None:
    postgres.use_tls(PASSWORD)
    assert postgres.certificate is not None
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", postgres.folder / "other.crt")
    secret, wrong = tmp_path / "password", tmp_path / "wrong"
    secret.write_text(PASSWORD)
    wrong.write_text("ebb")
    url = f"postgres://roadstead@localhost:{postgres.port}/postgres?sslrootcert={postgres.certificate}"
    for changed, password, told in [
        (url.replace("localhost", "127.0.0.1"), secret, "does not match host name"),
        (url.replace("ca.crt", "other.crt"), secret, "certificate verify failed"),
        (url.replace("?", "?sslmode=require&"), secret, "verify-full only"),
        (url.replace("roadstead@", "roadstead:tide@"), secret, "may not hold a password"),
        (url, wrong, "password authentication failed"),
    ]:
        done = command("--data-dir", tmp_path / "data", "--listen", "127.0.0.1:0", "--store", changed,
                       "--store-password-file", password)
        assert done.returncode != 0
        assert told in done.stderr
        assert PASSWORD not in done.stderr


def test_a_store_moves_to_postgres_and_back(tmp_path: Path, hub: Hub, postgres: PostgresServer) -> None:
    hub.start()
    admin = administrator(hub, tmp_path / "admin")
    for name in ("u1", "u2", "u3"):
        admin.create("users", name)
    since = admin.get(f"{GROUP}/users")["metadata"]["resourceVersion"]
    admin.patch("users", "u2", {"metadata": {"labels": {"a": "b"}}})
    admin.delete("users", "u3")
    page = admin.get(f"{GROUP}/users?limit=2")
    known = versions(admin)
    expected = [("MODIFIED", "u2"), ("DELETED", "u3")]
    assert watched(admin, since, 2) == expected

    busy = command("migrate", "--data-dir", hub.data, "--from", hub.data / "hub.db", "--to", postgres.url)
    assert busy.returncode != 0 and "another process uses it" in busy.stderr
    hub.stop()
    moved = command("migrate", "--data-dir", hub.data, "--from", hub.data / "hub.db", "--to", postgres.url)
    assert moved.returncode == 0, moved.stderr
    again = command("migrate", "--data-dir", hub.data, "--from", hub.data / "hub.db", "--to", postgres.url)
    assert again.returncode != 0 and "holds a store already" in again.stderr

    hub.flags = ["--store", postgres.url]
    hub.start()
    assert versions(admin) == known
    assert watched(admin, since, 2) == expected, "a watch goes on from a revision of before the move"
    rest = admin.get(f"{GROUP}/users?limit=2&continue={page['metadata']['continue']}")
    names = [u["metadata"]["name"] for u in page["items"] + rest["items"]]
    assert sorted(names) == sorted(known)
    admin.create("users", "u4")
    known = versions(admin)
    expected.append(("ADDED", "u4"))
    busy = command("migrate", "--data-dir", hub.data, "--from", postgres.url, "--to", tmp_path / "back.db")
    assert busy.returncode != 0 and "a hub uses this database" in busy.stderr
    hub.stop()

    back = command("migrate", "--data-dir", hub.data, "--from", postgres.url, "--to", tmp_path / "back.db")
    assert back.returncode == 0, back.stderr
    shutil.move(tmp_path / "back.db", hub.data / "hub.db")
    for side in ("-wal", "-shm"):
        (hub.data / f"hub.db{side}").unlink(missing_ok=True)
    hub.flags = []
    hub.start()
    assert versions(admin) == known
    assert watched(admin, since, 3) == expected
    admin.create("users", "u5")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_beside_a_running_hub_is_a_whole_hub(
    tmp_path: Path, hub: Hub, postgres: PostgresServer, kind: str
) -> None:
    store = ["--store", postgres.url] if kind == "postgres" else []
    hub.flags = store
    hub.start()
    admin = administrator(hub, tmp_path / "admin")
    admin.create("users", "before")
    known = versions(admin)
    copy = tmp_path / "copy.db"
    done = command("backup", "--data-dir", hub.data, "--to", copy, *store)
    assert done.returncode == 0, done.stderr
    assert "sealing.key" in done.stdout
    assert copy.stat().st_mode & 0o077 == 0
    refused = command("backup", "--data-dir", hub.data, "--to", copy, *store)
    assert refused.returncode != 0 and "exists already" in refused.stderr
    admin.create("users", "after")
    hub.stop()

    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(hub.data / "sealing.key", other)
    shutil.move(copy, other / "hub.db")
    shutil.rmtree(hub.data)
    other.rename(hub.data)
    hub.flags = []
    hub.start()
    assert versions(admin) == known  # the same people, with the credentials that they have


def test_a_hub_says_that_its_database_is_away(tmp_path: Path, hub: Hub, postgres: PostgresServer) -> None:
    hub.flags = ["--store", postgres.url]
    hub.start()
    admin = administrator(hub, tmp_path / "admin")
    admin.create("users", "before")
    postgres.stop()
    answer = admin.raw("POST", f"{GROUP}/users", {
        "apiVersion": "roadstead.io/v1alpha1", "kind": "User", "metadata": {"name": "lost"}})
    assert answer.status == 503
    assert "this write was not saved" in answer.json["message"]
    postgres.start()
    wait.until("the hub writes again", lambda: admin.create("users", "found"), timeout=20)
    assert "lost" not in versions(admin)


@pytest.mark.parametrize("how", ["silent", pytest.param("broken", marks=pytest.mark.soak)])
def test_a_hub_that_is_cut_from_its_database_loses_nothing(
    tmp_path: Path, hub: Hub, postgres: PostgresServer, how: str
) -> None:
    postgres.use_tls(PASSWORD)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    with Relay(f"127.0.0.1:{postgres.port}") as link:
        port = link.address.rpartition(":")[2]
        hub.flags = ["--store", f"postgres://roadstead@localhost:{port}/postgres?sslrootcert={postgres.certificate}",
                     "--store-password-file", str(secret)]
        hub.start()
        admin = administrator(hub, tmp_path / "admin")
        since = admin.get(f"{GROUP}/usergroups")["metadata"]["resourceVersion"]
        seen: list[tuple[str, str, int]] = []
        with admin.stream(f"{GROUP}/usergroups?watch=1&resourceVersion={since}&timeoutSeconds=120", 120) as stream:
            reader = threading.Thread(target=_follow, args=(stream, seen))
            reader.start()
            saved = {"before": create_group(admin, "before")[1]}
            link.set(frozen=True)
            answers = _during_the_cut(admin, how)
            assert any(status != 201 for status, _ in answers.values()), "a write was acknowledged without its database"
            link.set(frozen=False, reset=how == "broken")
            wait.until("the hub writes again", lambda: saved.setdefault("after", _made(create_group(admin, "after"))), timeout=40)
            for name, (status, text) in answers.items():
                if status == 201:
                    saved[name] = text
                else:
                    assert status in (503, 504) and ("was not saved" in text or "is not known" in text), (status, text)
            saved["last"] = _made(create_group(admin, "last"))
            held = {g["metadata"]["name"]: g["metadata"]["resourceVersion"]
                    for g in admin.get(f"{GROUP}/usergroups")["items"]}
            assert {name: held.get(name) for name in saved} == saved, "acknowledged and lost"
            for name, (_, text) in answers.items():
                assert "was not saved" not in text or name not in held, "said not to be saved, and there"
            reader.join(20)
            assert not reader.is_alive(), f"the watch did not come to the end: {seen}"
    assert [kind for kind, _, _ in seen] == ["ADDED"] * len(held), "a gap or a repeat"
    assert {name: str(revision) for _, name, revision in seen} == held
    assert [revision for _, _, revision in seen] == sorted(revision for _, _, revision in seen)


def create_group(admin: Client, name: str) -> tuple[int, str]:
    """Status, and the resourceVersion or the error's message."""
    answer = admin.raw("POST", f"{GROUP}/usergroups", {
        "apiVersion": "roadstead.io/v1alpha1", "kind": "UserGroup", "metadata": {"name": name}, "spec": {}})
    body = answer.json
    return answer.status, body["metadata"]["resourceVersion"] if answer.status == 201 else body["message"]


def _made(answer: tuple[int, str]) -> str:
    assert answer[0] == 201, answer
    return answer[1]


def _during_the_cut(admin: Client, how: str) -> dict[str, tuple[int, str]]:
    """Answers to writes by several at once; each comes, in time."""
    patient = Client(admin.login, timeout=60)
    # One that waits is answered after the store's patience, those behind it after twice that.
    names = [f"{how}-{n}" for n in range(1 if how == "silent" else 4)]
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: create_group(patient, name), names), strict=True))


def _follow(stream: Stream, seen: list[tuple[str, str, int]]) -> None:
    for event in stream.events():
        metadata = event["object"]["metadata"]
        seen.append((event["type"], metadata["name"], int(metadata["resourceVersion"])))
        if metadata["name"] == "last":
            return
