# SPDX-License-Identifier: Apache-2.0
"""What every benchmark here shares: the load generator, the machine's description, and the report."""
