// SPDX-License-Identifier: Apache-2.0
// A task's result, for who runs a loop until the task has ended.
#pragma once

#include <optional>

#include "io/task.h"

namespace roadstead::io {

// `out` outlives the task.
template <class T>
Task<void> keep(Task<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
}

}  // namespace roadstead::io
