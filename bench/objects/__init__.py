# SPDX-License-Identifier: Apache-2.0
"""The hub's object API beside a real kube-apiserver with etcd."""
