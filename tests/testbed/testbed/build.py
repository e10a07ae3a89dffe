# SPDX-License-Identifier: Apache-2.0
"""Builds the Kubernetes programs from ordinary Go modules into a cache.

Each module below `go/` is a family with its own dependency graph. A family's binaries live in
`<cache>/testbed/<family>-<key>/bin`, where the key is a hash of go.mod, go.sum, our own sources, the flags and the Go version, so a
change of any of them builds anew and never mixes. A binary appears under its name only when it is complete.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import locks, paths, toolchain
from .progress import say

KUBERNETES_VERSION = "v1.36.3"


@dataclass(frozen=True)
class Program:
    """One binary: which module builds it, from which package, and how."""

    name: str
    family: str
    package: str
    cgo: bool = False
    is_test: bool = False


PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        Program("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
        Program("kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        Program("kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"),
        Program("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl"),
        Program("kube-proxy", "kubernetes", "k8s.io/kubernetes/cmd/kube-proxy"),
        Program("kubelet", "kubernetes", "k8s.io/kubernetes/cmd/kubelet", cgo=True),
        Program("agnhost", "kubernetes", "k8s.io/kubernetes/test/images/agnhost"),
        Program("e2e.test", "kubernetes", "k8s.io/kubernetes/test/e2e", is_test=True),
        Program("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
        Program("coredns", "coredns", "roadstead.io/testbed/coredns"),
        Program("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok"),
    )
}

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
NODE = ("kubelet", "kube-proxy", "coredns")
KWOK = ("kwok",)
CONFORMANCE = ("agnhost", "e2e.test")


def _ldflags(family: str) -> str:
    flags = ["-s", "-w"]
    if family == "kubernetes":
        major, minor = KUBERNETES_VERSION.removeprefix("v").split(".")[:2]
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
            flags += [
                f"-X {package}.gitVersion={KUBERNETES_VERSION}",
                f"-X {package}.gitMajor={major}",
                f"-X {package}.gitMinor={minor}",
                f"-X {package}.gitTreeState=clean",
            ]
    return " ".join(flags)


@functools.lru_cache(maxsize=None)
def family_folder(family: str) -> Path:
    """The cache folder of a family for the present go.mod, go.sum, flags and compiler."""
    digest = hashlib.sha256()
    folder = paths.GO_MODULES / family
    for path in (folder / "go.mod", folder / "go.sum", *sorted(folder.glob("*.go"))):
        digest.update(path.read_bytes())
    digest.update(_ldflags(family).encode())
    digest.update(toolchain.go()[1].encode())
    return paths.testbed_cache() / f"{family}-{digest.hexdigest()[:16]}"


def binary(name: str) -> Path:
    """Where the binary is, or will be after `ensure`."""
    return family_folder(PROGRAMS[name].family) / "bin" / name


def available(names: Iterable[str]) -> bool:
    return all(binary(name).exists() for name in names)


def module_folder(family: str, module: str) -> Path:
    """Where Go keeps the sources of a module that the family needs."""
    command = [str(toolchain.go()[0]), "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run(
        command, cwd=paths.GO_MODULES / family, env=environment, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def ensure(names: Iterable[str]) -> None:
    """Builds what is missing. Safe to call from several processes: one builds, the others wait and say so."""
    missing = [name for name in names if not binary(name).exists()]
    if not missing:
        return
    say("build", f"not in the cache: {', '.join(missing)}")
    with locks.held(paths.testbed_cache() / "build.lock", lambda text: say("build", text)):
        missing = [name for name in missing if not binary(name).exists()]
        groups: dict[tuple[str, bool, bool], list[Program]] = {}
        for name in missing:
            program = PROGRAMS[name]
            groups.setdefault((program.family, program.cgo, program.is_test), []).append(program)
        for programs in groups.values():
            _build_group(programs)


def _build_group(programs: list[Program]) -> None:
    first = programs[0]
    final = family_folder(first.family) / "bin"
    final.mkdir(parents=True, exist_ok=True)
    staging = final.parent / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    names = ", ".join(program.name for program in programs)
    go, version = toolchain.go()
    packages = [program.package for program in programs]
    flags = ["-mod=readonly", "-trimpath", "-p", "2", "-v", "-ldflags", _ldflags(first.family)]
    if first.is_test:
        command = [str(go), "test", "-c", "-vet=off", *flags, "-o", str(staging / first.name), *packages]
    else:
        # A folder as -o holds one binary per package, also when there is only one.
        command = [str(go), "build", *flags, "-o", f"{staging}/", *packages]
    environment = os.environ | {
        "CGO_ENABLED": "1" if first.cgo else "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "-buildvcs=false",
    }
    if first.cgo:
        environment["CC"] = str(toolchain.c_compiler())
    log = final.parent / "build.log"
    say("build", f"{names}: starts with {version}; messages go to {log}")
    begin = time.monotonic()
    _run_with_progress(names, ["nice", "-n", "5", *command], paths.GO_MODULES / first.family, environment, log)
    for program in programs:
        built = staging / program.name
        if not built.exists():
            built = staging / program.package.split("/")[-1]
        if not built.exists():  # packages with a version suffix are named after the folder above it
            built = staging / program.package.split("/")[-2]
        os.replace(built, final / program.name)
    shutil.rmtree(staging)
    say("build", f"{names}: done in {time.monotonic() - begin:.0f} s")


def _run_with_progress(
    names: str, command: list[str], folder: Path, environment: dict[str, str], log: Path
) -> None:
    """Runs `go build -v`, which prints each package that it compiles, and counts these lines aloud."""
    begin = told = time.monotonic()
    count = 0
    with log.open("a") as sink:
        sink.write(f"$ {' '.join(command)}\n")
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        tail: list[str] = []
        for line in process.stdout:
            sink.write(line)
            tail = [*tail[-19:], line]
            count += 1
            if time.monotonic() - told >= 15:
                told = time.monotonic()
                say("build", f"{names}: {count} packages so far, {told - begin:.0f} s, now {line.strip()}")
        if process.wait() != 0:
            raise RuntimeError(f"go build of {names} failed, see {log}:\n{''.join(tail)}")
