# SPDX-License-Identifier: Apache-2.0
"""Container images without a registry and without Docker.

An image is one layer. The tar is at once in docker-archive form (`manifest.json`) and in OCI layout (`index.json`), and
the same input gives the same bytes: entries sorted, all times zero, owner root.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import build, paths, toolchain
from .node import PAUSE_IMAGE

BUSYBOX_IMAGE = "roadstead.test/busybox:1"
AGNHOST_IMAGE = "roadstead.test/agnhost:1"

# What Kubernetes' end-to-end tests of this version call the images that can be made here (`e2e.test --list-images`).
E2E_AGNHOST = ("registry.k8s.io/e2e-test-images/agnhost:2.63.0",)
E2E_BUSYBOX = (
    "registry.k8s.io/e2e-test-images/busybox:1.36.1-1",
    "registry.k8s.io/e2e-test-images/busybox:1.37.0-1",
)
E2E_PAUSE = ("registry.k8s.io/pause:3.10.2",)

_PAUSE_SOURCE = """\
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void leave(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) { } }
int main(void) {
  signal(SIGINT, leave);
  signal(SIGTERM, leave);
  signal(SIGCHLD, reap);
  for (;;) { pause(); }
}
"""


@dataclass(frozen=True)
class Entry:
    """A file of the layer: content, or the target of a symbolic link, or a folder when both are missing."""

    content: bytes | None = None
    link: str | None = None
    mode: int = 0o755


@dataclass
class Image:
    name: str
    files: dict[str, Entry] = field(default_factory=dict)
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_dir: str = "/"


def _tar(files: Mapping[str, Entry]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = files[name]
            info = tarfile.TarInfo(name)
            info.mode = entry.mode
            if entry.link is not None:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
                archive.addfile(info)
            elif entry.content is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                info.size = len(entry.content)
                archive.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def write(image: Image, target: Path) -> Path:
    """Writes the image's tar. It appears under its name only when it is complete."""
    layer = _tar(image.files)
    layer_digest = hashlib.sha256(layer).hexdigest()
    config = _json(
        {
            "architecture": _architecture(),
            "os": "linux",
            "config": {
                "Entrypoint": list(image.entrypoint),
                "Cmd": list(image.command),
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
                + [f"{key}={value}" for key, value in sorted(image.environment.items())],
                "User": image.user,
                "WorkingDir": image.working_dir,
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            "created": "1970-01-01T00:00:00Z",
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "roadstead test bed"}],
        }
    )
    config_digest = hashlib.sha256(config).hexdigest()
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": f"sha256:{config_digest}", "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": f"sha256:{layer_digest}", "size": len(layer),
                }
            ],
        }
    )
    manifest_digest = hashlib.sha256(manifest).hexdigest()
    index = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "digest": f"sha256:{manifest_digest}", "size": len(manifest),
                    "annotations": {
                        "io.containerd.image.name": image.name,
                        "org.opencontainers.image.ref.name": image.name.rsplit(":", 1)[-1],
                    },
                    "platform": {"architecture": _architecture(), "os": "linux"},
                }
            ],
        }
    )
    docker = _json(
        [
            {
                "Config": f"blobs/sha256/{config_digest}",
                "RepoTags": [image.name],
                "Layers": [f"blobs/sha256/{layer_digest}"],
            }
        ]
    )
    folders = {"blobs": Entry(), "blobs/sha256": Entry()}
    blobs = {
        f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}": Entry(blob, mode=0o644)
        for blob in (layer, config, manifest)
    }
    top = {
        "oci-layout": Entry(_json({"imageLayoutVersion": "1.0.0"}), mode=0o644),
        "index.json": Entry(index, mode=0o644),
        "manifest.json": Entry(docker, mode=0o644),
    }
    temporary = target.with_suffix(f".{os.getpid()}.new")
    temporary.write_bytes(_tar({**folders, **blobs, **top}))
    temporary.rename(target)
    return target


def _cached(name: str, *inputs: bytes) -> Path:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for item in inputs:
        digest.update(hashlib.sha256(item).digest())
    folder = paths.testbed_cache() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}-{digest.hexdigest()[:16]}.tar"


def pause(name: str = PAUSE_IMAGE) -> Path:
    """The program that holds a pod's namespaces, as an image."""
    compiler = toolchain.c_compiler()
    target = _cached("pause", _PAUSE_SOURCE.encode(), name.encode())
    if not target.exists():
        binary = target.with_suffix(f".{os.getpid()}.bin")
        subprocess.run(
            [str(compiler), "-static", "-Os", "-s", "-x", "c", "-", "-o", str(binary)],
            input=_PAUSE_SOURCE.encode(), check=True,
        )
        files = {"pause": Entry(binary.read_bytes())}
        binary.unlink()
        write(Image(name, files, entrypoint=["/pause"], user="65535:65535"), target)
    return target


def _shell_files() -> dict[str, Entry]:
    """busybox under all its names, an account file and the folders that programs expect."""
    found = shutil.which("busybox")
    if found is None:
        raise toolchain.MissingTool("busybox is missing; install the package busybox-static")
    applets = subprocess.run([found, "--list"], capture_output=True, text=True, check=True).stdout.split()
    files: dict[str, Entry] = {name: Entry() for name in ("bin", "etc", "root", "usr", "usr/bin", "var", "home")}
    files["tmp"] = Entry(mode=0o1777)
    files["bin/busybox"] = Entry(Path(found).read_bytes())
    files |= {f"bin/{applet}": Entry(link="busybox") for applet in applets if applet != "busybox"}
    files["etc/passwd"] = Entry(
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", mode=0o644
    )
    files["etc/group"] = Entry(b"root:x:0:\nnogroup:x:65534:\n", mode=0o644)
    return files


def busybox(name: str = BUSYBOX_IMAGE) -> Path:
    """sh, httpd, nc, wget, tar and the rest, from Debian's static busybox."""
    files = _shell_files()
    target = _cached("busybox", files["bin/busybox"].content or b"", name.encode())
    if not target.exists():
        write(Image(name, files, command=["sh"]), target)
    return target


def agnhost(name: str = AGNHOST_IMAGE) -> Path:
    """The main image of Kubernetes' own end-to-end tests. Its binary must have been built."""
    binary = build.binary("agnhost")
    stamp = f"{name} {binary.parent.parent.name}".encode()
    target = _cached("agnhost", stamp)
    if not target.exists():
        files = _shell_files()
        files["agnhost"] = Entry(binary.read_bytes())
        # As in the image's own Dockerfile.
        files["agnhost-2"] = Entry(link="agnhost")
        files["uploads"] = Entry()
        source = build.module_folder("kubernetes", "k8s.io/kubernetes") / "test" / "images" / "agnhost" / "porter"
        for part in ("localhost.crt", "localhost.key"):
            files[part] = Entry((source / part).read_bytes(), mode=0o644)
        write(Image(name, files, entrypoint=["/agnhost"], command=["pause"]), target)
    return target


def for_e2e() -> list[Path]:
    """The images that Kubernetes' own end-to-end tests pull, as far as they can be made here, under those names."""
    return [
        *(agnhost(name) for name in E2E_AGNHOST),
        *(busybox(name) for name in E2E_BUSYBOX),
        *(pause(name) for name in E2E_PAUSE),
    ]
