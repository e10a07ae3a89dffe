// SPDX-License-Identifier: Apache-2.0
// An executor without threads or descriptors: runs ready coroutines, and when nothing is ready
// moves the fake clock to the next timer. For unit tests and the simulated world.
#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "io/executor.h"
#include "io/keep.h"
#include "io/task.h"
#include "io/task_group.h"

namespace roadstead::io {

class SimulatedLoop final : public Executor {
 public:
  explicit SimulatedLoop(FakeClock& clock) : Executor(clock), fake_(clock) {}

  void post_remote(UniqueFunction<void()> f) override { post(std::move(f)); }

  // Runs everything that is ready and due now; time stands still.
  void run_ready_now() {
    do {
      run_due_timers();
      run_ready();
    } while (has_ready() || next_timer() <= clock().now());
  }

  // Runs with time moving from timer to timer, for at most `d` of simulated time.
  void run_for(Duration d) {
    const MonotonicTime end = clock().now() + d;
    for (;;) {
      run_ready_now();
      if (next_timer() > end) {
        break;
      }
      fake_.advance(next_timer() - clock().now());
    }
    if (clock().now() < end) {
      fake_.advance(end - clock().now());
    }
    run_ready_now();
  }

  // Runs until the task has ended, moving time as needed. CHECK-fails when nothing can ever run
  // again (a deadlock) or after `limit` of simulated time.
  void run_until_done(Task<void> task, Duration limit = std::chrono::hours(24)) {
    TaskGroup group(*this);
    group.spawn(std::move(task));
    const MonotonicTime end = clock().now() + limit;
    while (group.running() > 0) {
      run_ready_now();
      if (group.running() > 0) {
        CHECK(next_timer() <= end, "simulated task is stuck");
        fake_.advance(next_timer() - clock().now());
      }
    }
  }
  // The same for a task with a result: `TRY(x, loop.wait_for(f()))`.
  template <class T>
  T wait_for(Task<T> task, Duration limit = std::chrono::hours(24)) {
    std::optional<T> out;
    run_until_done(keep(std::move(task), &out), limit);
    return std::move(*out);
  }

 private:
  FakeClock& fake_;
};

}  // namespace roadstead::io
