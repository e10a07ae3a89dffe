# SPDX-License-Identifier: Apache-2.0
"""Real Kubernetes clusters on one machine, for the end-to-end tests and the demo."""
