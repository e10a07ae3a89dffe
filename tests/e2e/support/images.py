# SPDX-License-Identifier: Apache-2.0
"""The Agent's image as a tar."""

from __future__ import annotations

from pathlib import Path

from testbed import images

from . import paths


def agent(name: str, target: Path) -> Path:
    """Like the released one: the static program and a numeric user."""
    program = paths.program("roadstead-agent").read_bytes()
    files = {"roadstead-agent": images.Entry(program)}
    return images.write(images.Image(name, files, entrypoint=["/roadstead-agent"], user="65532:65532"), target)
