# SPDX-License-Identifier: Apache-2.0
"""kubectl as a user runs it, with a kubeconfig for the hub or directly."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed import build

from .process import die_with_parent

SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Kubectl:
    def __init__(self, kubeconfig: Path, *, namespace: str = "", env: Mapping[str, str] | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self.env = dict(env or {})

    def within(self, namespace: str) -> Kubectl:
        return Kubectl(self.kubeconfig, namespace=namespace, env=self.env)

    def with_env(self, env: Mapping[str, str]) -> Kubectl:
        return Kubectl(self.kubeconfig, namespace=self.namespace, env={**self.env, **env})

    def argv(self, *args: str) -> list[str]:
        where = [f"--namespace={self.namespace}"] if self.namespace else []
        return [str(build.binary("kubectl")), f"--kubeconfig={self.kubeconfig}", *where, *args]

    def environment(self) -> dict[str, str]:
        # Discovery is cached per host below HOME; two servers behind one address must not share it.
        return {**os.environ, "KUBECACHEDIR": f"{self.kubeconfig}.cache", **self.env}

    def try_run(self, *args: str, stdin: str | None = None, timeout: float = 60) -> Result:
        """Runs to the end, whatever the exit code."""
        done = subprocess.run(
            self.argv(*args), input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True, text=True, timeout=timeout, env=self.environment(),
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def __call__(self, *args: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Runs and returns the output; a failure fails the test with kubectl's words."""
        done = self.try_run(*args, stdin=stdin, timeout=timeout)
        assert done.code == 0, f"kubectl {' '.join(args)} (exit {done.code}): {done.err.strip()}"
        return done.out

    def popen(self, *args: str, **options: Any) -> subprocess.Popen[Any]:
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            self.argv(*args), env=self.environment(), preexec_fn=die_with_parent, **options)
