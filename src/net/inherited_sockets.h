// SPDX-License-Identifier: Apache-2.0
// Listening sockets that were opened by who started this process, in the way of sd_listen_fds(3):
// a systemd socket unit, or any supervisor that keeps them while the process is replaced.
// Connections that are made in between wait in the kernel's queue instead of being refused.
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace roadstead::net {

// Descriptors by their name (LISTEN_FDNAMES; "unknown" without one). Empty when LISTEN_PID is not
// `self`: they were meant for another process. The caller owns the descriptors.
Result<std::map<std::string, int>> inherited_sockets(
    const std::map<std::string, std::string>& environment, int self);

}  // namespace roadstead::net
