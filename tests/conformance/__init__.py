# SPDX-License-Identifier: Apache-2.0
"""Kubernetes' own end-to-end tests, unmodified, directly and through the hub."""
