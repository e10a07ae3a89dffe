# SPDX-License-Identifier: Apache-2.0
"""A folder for one run. Those of runs that were killed are removed by the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from . import golang


def folder() -> Path:
    for left in golang.cache().glob("run-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=golang.cache()))
