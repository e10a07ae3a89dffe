# SPDX-License-Identifier: Apache-2.0
"""The commands behind ./dev: one module per subject, standard library only."""
