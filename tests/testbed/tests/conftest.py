# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from testbed import build  # noqa: E402
from testbed.bed import Testbed, default_root  # noqa: E402


@pytest.fixture(scope="session")
def binaries() -> None:
    """Real clusters need root and the Kubernetes programs; these are built when they are not in the cache."""
    if os.geteuid() != 0:
        pytest.skip("real clusters need root")
    build.ensure([*build.CONTROL_PLANE, *build.NODE, *build.KWOK])


@pytest.fixture(scope="module")
def bed(binaries: None, request: pytest.FixtureRequest) -> Iterator[Testbed]:
    """A test bed of this test file; its clusters die with the test process at the latest."""
    name = f"{request.module.__name__.removeprefix('test_')}-{os.getpid()}"
    with Testbed(default_root(name), ephemeral=True) as made:
        yield made
