# SPDX-License-Identifier: Apache-2.0
"""Many Agents at one hub: memory while they are idle, and what happens when the hub starts again."""
