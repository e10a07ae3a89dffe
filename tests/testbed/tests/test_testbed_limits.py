# SPDX-License-Identifier: Apache-2.0
"""Too few inotify instances are told before a cluster hangs for them."""

from __future__ import annotations

import ctypes
import os

import pytest

from testbed import kernel_limits


def test_instances_of_this_user_are_counted() -> None:
    before = kernel_limits.inotify_in_use(os.geteuid())
    libc = ctypes.CDLL(None, use_errno=True)
    descriptors = [libc.inotify_init1(os.O_CLOEXEC) for _ in range(3)]
    try:
        assert kernel_limits.inotify_in_use(os.geteuid()) >= 3
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    assert before >= 0 and kernel_limits.inotify_in_use(os.geteuid() + 12345) == 0


def test_what_to_do_is_said() -> None:
    kernel_limits.check_inotify([True, False], most=128, in_use=10)
    with pytest.raises(kernel_limits.TooFew, match=r"sysctl -w fs\.inotify\.max_user_instances=1024"):
        kernel_limits.check_inotify([True] * 5, most=128, in_use=10)
