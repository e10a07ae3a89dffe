# SPDX-License-Identifier: Apache-2.0
"""Reads a cluster's audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def events(
    log: Path,
    *,
    offset: int = 0,
    user: str | None = None,
    impersonated: str | None = None,
    verb: str | None = None,
    resource: str | None = None,
    namespace: str | None = None,
    name: str | None = None,
    audit_id: str | None = None,
    stage: str | None = "ResponseComplete",
    uri_contains: str | None = None,
) -> Iterator[Event]:
    """Events in the order of the log from byte `offset` on, filtered by what is not None.

    A watch or another long request has a `ResponseStarted` event at first and `ResponseComplete` only at its end;
    `stage=None` yields all stages.
    """
    if not log.exists():
        return
    with log.open("rb") as stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return  # the server is still writing it
            event: Event = json.loads(line)
            target = event.get("objectRef") or {}
            wanted = (
                (stage, event.get("stage")),
                (user, (event.get("user") or {}).get("username")),
                (impersonated, (event.get("impersonatedUser") or {}).get("username")),
                (verb, event.get("verb")),
                (resource, target.get("resource")),
                (namespace, target.get("namespace")),
                (name, target.get("name")),
                (audit_id, event.get("auditID")),
            )
            if any(expected is not None and expected != actual for expected, actual in wanted):
                continue
            if uri_contains is not None and uri_contains not in event.get("requestURI", ""):
                continue
            yield event
