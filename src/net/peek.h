// SPDX-License-Identifier: Apache-2.0
// Looking at what a connection begins with while leaving it in the socket, so that the protocol put
// on the socket later finds it. Internal to net/.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/unique_function.h"
#include "io/shard.h"
#include "io/task.h"
#include "net/socket.h"

namespace roadstead::net {

// Calls `look` with what has arrived, at most `limit` bytes, until it says how many to take away
// (perhaps 0). Fails when the peer ends first, when `limit` bytes are not enough, at the deadline
// (DeadlineExceeded), and with what `look` fails with. `what` names it in messages: "answer of
// ...".
using Look = UniqueFunction<Result<std::optional<std::size_t>>(std::span<const std::byte>)>;
io::Task<Result<void>> peek_until(io::Shard& shard, Socket& socket, std::size_t limit,
                                  std::string what, Deadline deadline, Look look);

}  // namespace roadstead::net
