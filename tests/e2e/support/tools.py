# SPDX-License-Identifier: Apache-2.0
"""Programs of tests/e2e/go, built once into the cache."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from pathlib import Path

from testbed import images, locks, paths, toolchain
from testbed.cluster import Cluster
from testbed.progress import say

_GO = Path(__file__).resolve().parents[1] / "go"
_PACKAGES = {
    "tools": ".", "helm": "helm.sh/helm/v3/cmd/helm", "objects": ".", "validate": "sigs.k8s.io/kubectl-validate",
}


@functools.cache
def binary(name: str) -> Path:
    """A static program; built when one of its sources or the compiler has changed."""
    go, version = toolchain.go()
    digest = hashlib.sha256(version.encode())
    for source in sorted((_GO / name).iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    target = paths.cache_root() / "e2e" / f"{name}-{digest.hexdigest()[:16]}" / name
    if target.exists():
        return target
    with locks.held(paths.cache_root() / "e2e" / "build.lock", lambda text: say("e2e", text)):
        if not target.exists():
            say("e2e", f"builds {name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            staged = target.with_suffix(".new")
            subprocess.run(
                [str(go), "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", str(staged), _PACKAGES[name]],
                cwd=_GO / name, check=True,
                env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"},
            )
            staged.replace(target)
    return target


def image(cluster: Cluster) -> str:
    """The name of an image with /tools; the node has it afterwards."""
    program = binary("tools")
    name = f"roadstead.test/tools:{program.parent.name.removeprefix('tools-')}"
    if name not in cluster.image_names():
        tar = program.with_name("image.tar")
        if not tar.exists():
            images.write(images.Image(name, {"tools": images.Entry(program.read_bytes())}), tar)
        cluster.import_image(tar)
    return name
