# SPDX-License-Identifier: Apache-2.0
"""Informers on the ConfigMaps of a namespace as running programs: client-go's, and that of the hub's controller framework."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import paths, tools, wait
from .process import die_with_parent

Command = Callable[[Path, str], list[str]]  # of a kubeconfig and a namespace


def client_go(content_type: str) -> Command:
    return lambda kubeconfig, namespace: [
        str(tools.binary("tools")), "informer", f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", f"--content-type={content_type}"]


def framework(kubeconfig: Path, namespace: str) -> list[str]:
    """The controller framework of the hub."""
    return [str(paths.program("rest-informer")), str(kubeconfig), namespace]


JSON, PROTOBUF = client_go("application/json"), client_go("application/vnd.kubernetes.protobuf")


@contextmanager
def informing(command: list[str]) -> Iterator[list[dict[str, str]]]:
    """What an informer has seen so far."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    seen: list[dict[str, str]] = []
    words: list[str] = []
    assert process.stdout is not None and process.stderr is not None
    threading.Thread(target=lambda: seen.extend(json.loads(line) for line in process.stdout), daemon=True).start()
    threading.Thread(target=lambda: words.extend(process.stderr), daemon=True).start()
    try:
        wait.until("the informer has its first list", lambda: any(s["event"] == "synced" for s in seen), dump=lambda: "".join(words))
        yield seen
        bad = [w for w in words if "decode" in w or "unexpected" in w.lower()]
        assert not bad, bad
    finally:
        process.kill()
        process.wait()
