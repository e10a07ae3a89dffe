// SPDX-License-Identifier: Apache-2.0
#include "io/task_group.h"

namespace roadstead::io {

Task<void> when_both(Executor& executor, Task<void> a, Task<void> b) {
  TaskGroup group(executor);
  group.spawn(std::move(a));
  co_await std::move(b);
  co_await group.join();
}

}  // namespace roadstead::io
