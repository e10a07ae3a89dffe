# SPDX-License-Identifier: Apache-2.0
"""The command line `roadstead`, with a configuration of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from . import paths
from .client import Login
from .hub import FirstLogin
from .kubectl import Result
from .process import die_with_parent


class Cli:
    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("ROADSTEAD_", "KUBE"))},
            "ROADSTEAD_CONFIG": str(folder / "config.yaml"), "HOME": str(folder), "NO_COLOR": "1", **(env or {}),
        }

    def try_run(self, *args: str | Path, stdin: str | None = None, timeout: float = 60) -> Result:
        done = subprocess.run(
            [str(paths.program("roadstead")), *map(str, args)], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True, text=True, timeout=timeout, env=self.env)
        return Result(done.returncode, done.stdout, done.stderr)

    def __call__(self, *args: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
        done = self.try_run(*args, stdin=stdin, timeout=timeout)
        assert done.code == 0, f"roadstead {' '.join(map(str, args))} (exit {done.code}): {done.out}{done.err}"
        return done.out

    def json(self, *args: str | Path) -> Any:
        return json.loads(self(*args, "-o", "json"))

    def popen(self, *args: str | Path, **options: Any) -> subprocess.Popen[Any]:
        return subprocess.Popen([str(paths.program("roadstead")), *map(str, args)], env=self.env,
                                stdin=subprocess.DEVNULL, preexec_fn=die_with_parent, **options)

    def log_in(self, first: FirstLogin) -> None:
        self("login", "--server", first.server, "--code", first.code, "--ca-pin", first.pin)

    def login(self) -> Login:
        """The present login, for requests that the command line does not make."""
        config = yaml.safe_load((self.folder / "config.yaml").read_text())
        hub = next(h for h in config["contexts"] if h["name"] == config["currentContext"])
        return Login(self.folder / hub["name"], hub["login"], hub["server"], hub["zone"])
