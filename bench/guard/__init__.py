# SPDX-License-Identifier: Apache-2.0
"""The regression guard: instructions of the hot paths beside those that were kept."""
