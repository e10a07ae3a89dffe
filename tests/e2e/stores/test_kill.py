# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments: what was acknowledged is there, nothing is half there, a watch goes on where it was.

The short form has 20 kills, the long one 200. The seed is printed; ROADSTEAD_SEED repeats a run's choices.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from . import ledger
from .late import LateCommitters
from .postgres import PostgresServer

KILLS = [pytest.param(20, id="20"), pytest.param(200, id="200", marks=pytest.mark.soak)]


@pytest.fixture
def choices() -> random.Random:
    seed = int(os.environ.get("ROADSTEAD_SEED") or random.randrange(2**32))
    print(f"ROADSTEAD_SEED={seed}")
    return random.Random(seed)


@pytest.mark.parametrize("kills", KILLS)
def test_sqlite_survives_kills(tmp_path: Path, choices: random.Random, kills: int) -> None:
    writer = ledger.Writer(tmp_path / "hub.db")
    for _ in range(kills):
        writer.start()
        writer.wait_ready()
        time.sleep(choices.uniform(0, 0.25))  # the random moment
        writer.kill()
    found = ledger.dump(tmp_path / "hub.db")
    ledger.check(found, [writer.ledger])
    print(f"{kills} kills, {len(writer.ledger.acknowledged)} acknowledged, {len(found.saw)} in the store")
    assert len(writer.ledger.acknowledged) > kills
    assert not writer.ledger.refused


@pytest.mark.parametrize("kills", KILLS)
def test_postgres_survives_kills_of_hubs_and_server(
    postgres: PostgresServer, choices: random.Random, kills: int
) -> None:
    writers = [ledger.Writer(postgres.url, prefix, "--patience-ms", "60000") for prefix in ("a", "b")]
    late = LateCommitters(postgres, choices.randrange(2**32))
    for writer in writers:
        writer.start()
        writer.wait_ready()
    for number in range(kills):
        until = time.monotonic() + choices.uniform(0, 0.3)
        while time.monotonic() < until:
            late.step()
            time.sleep(0.01)
        victim = number % 4
        if victim < 2:
            writers[victim].kill()
            writers[victim].start()
            writers[victim].wait_ready()
        elif victim == 2:
            postgres.kill()
            postgres.start()
        else:
            postgres.stop()
            postgres.start()
    late.join()
    # Both go on after the last restart, then end.
    for writer in writers:
        before = len(writer.ledger.acknowledged)
        deadline = time.monotonic() + 60
        while len(writer.ledger.acknowledged) == before:
            assert time.monotonic() < deadline, f"no write after the last kill: {writer.ledger.refused[-3:]}"
            time.sleep(0.02)
    for writer in writers:
        writer.kill()
    found = ledger.dump(postgres.url)
    ledger.check(found, [late.ledger, *(writer.ledger for writer in writers)])
    counts = [len(writer.ledger.acknowledged) for writer in writers]
    print(f"{kills} kills, {counts} acknowledged, {late.committed} committed late, {len(found.saw)} in the store")
    assert min(counts) > kills and late.committed > kills // 4
    assert not any(writer.ledger.refused for writer in writers)
