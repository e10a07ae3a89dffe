# SPDX-License-Identifier: Apache-2.0
"""One line per event on standard error, with the seconds since the start of the program."""

from __future__ import annotations

import sys
import threading
import time

_start = time.monotonic()
_lock = threading.Lock()


def say(who: str, text: str) -> None:
    with _lock:
        print(f"[{time.monotonic() - _start:6.1f} s] {who}: {text}", file=sys.stderr, flush=True)
