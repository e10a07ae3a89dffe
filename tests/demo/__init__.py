# SPDX-License-Identifier: Apache-2.0
"""./dev demo: a hub with two real Kubernetes clusters, registered the ordinary way."""
