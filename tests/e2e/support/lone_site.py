# SPDX-License-Identifier: Apache-2.0
"""A real hub and a real Agent with a fake API server behind it, for what a real one never does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import paths, wait
from .client import Client
from .fake_member import FakeMember
from .process import Program


class LoneAgent(Program):
    """An Agent on loopback, with a state folder and a bootstrap file if there is one."""

    def __init__(self, folder: Path, kubeconfig: Path, manifest: str = "") -> None:
        super().__init__("agent", folder / "agent.log")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.kubeconfig = kubeconfig
        self.bootstrap = folder / "bootstrap.yaml"
        if manifest:
            self.bootstrap.write_text(manifest)
            self.bootstrap.chmod(0o600)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def argv(self, *flags: str) -> list[str]:
        bootstrap = ["--bootstrap", str(self.bootstrap)] if self.bootstrap.exists() else []
        return [str(paths.program("roadstead-agent")), "--kubeconfig", str(self.kubeconfig), "--state-dir", str(self.state),
                "--replica", "lone-0", "--health-listen", "127.0.0.1:0", *bootstrap, *flags]

    def start(self, *flags: str) -> LoneAgent:
        self.launch(self.argv(*flags))
        return self


class LoneSite:
    def __init__(self, name: str, hub: Client, folder: Path) -> None:
        self.name = name
        self.hub = hub
        self.member = FakeMember(folder / "member")
        hub.create("clusters", name)
        self.agent = LoneAgent(folder, self.member.kubeconfig(), hub.register(name)["manifest"]).start()
        self.wait_running()

    def status(self) -> dict[str, Any]:
        return dict(self.hub.object("clusters", self.name).get("status", {}))

    def wait_running(self) -> None:
        wait.until(f"{self.name} is Running", self.status, timeout=20, done=lambda s: s.get("phase") == "Running", dump=self.agent.tail)

    def close(self) -> None:
        self.agent.kill()
        self.member.close()
        self.hub.delete("clusters", self.name)


