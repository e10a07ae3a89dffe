# SPDX-License-Identifier: Apache-2.0
"""The hub's object API as a running program, and kubectl on it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from object_api import Api
from testbed import build


@dataclass
class ObjectServer:
    api: Api
    address: str
    kubeconfig: Path

    def kubectl(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.kubeconfig.parent),
                       "KUBE_EDITOR": "sed -i s/before/after/"}
        return subprocess.run([str(build.binary("kubectl")), *args], input=stdin, capture_output=True, text=True,
                              timeout=60, env=environment, check=False)
