# SPDX-License-Identifier: Apache-2.0
"""The data path of hub and Agent beside no hop at all and one hop of HAProxy."""
