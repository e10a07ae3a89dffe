# SPDX-License-Identifier: Apache-2.0
"""The release archive, without the programs."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def package() -> ModuleType:
    spec = importlib.util.spec_from_file_location("package_build", ROOT / "deploy" / "package" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_same_contents_are_the_same_bytes(package: ModuleType) -> None:
    files = {"usr/bin/b": (0o755, b"program"), "usr/share/a": (0o644, b"text")}
    again = dict(reversed(files.items()))
    assert package.archive(files, {"usr/bin/c": "b"}) == package.archive(again, {"usr/bin/c": "b"})


def test_modes_links_and_bytes_are_kept(package: ModuleType) -> None:
    whole = package.archive({"usr/bin/b": (0o755, b"program")}, {"usr/bin/c": "b"})
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        b, c = tar.getmember("usr/bin/b"), tar.getmember("usr/bin/c")
        body = tar.extractfile(b)
        assert body is not None and body.read() == b"program"
        assert (b.mode, b.uid, b.uname) == (0o755, 0, "")
        assert c.issym() and c.linkname == "b"


def test_what_it_takes_from_the_tree_exists(package: ModuleType) -> None:
    assert all((ROOT / name).is_file() for name in package.TEXTS)
    unit = (ROOT / "deploy" / "systemd" / "roadstead-hub.service").read_text()
    assert "ExecStart=/usr/bin/roadstead-hub " in unit
