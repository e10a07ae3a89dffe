// SPDX-License-Identifier: Apache-2.0
// Two connected in-memory streams with a bounded buffer in each direction. For tests and the
// simulated world; behaves as a TCP connection on one shard.
#pragma once

#include <utility>

#include "net/stream.h"

namespace roadstead::net {

std::pair<StreamPtr, StreamPtr> make_pipe(io::Executor& executor, std::size_t capacity = 65536);

}  // namespace roadstead::net
