# SPDX-License-Identifier: Apache-2.0
"""End-to-end tests: a real hub, real Agents, real Kubernetes clusters."""
