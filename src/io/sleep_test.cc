// SPDX-License-Identifier: Apache-2.0
#include "io/sleep.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/task_group.h"

namespace roadstead::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Time passes between two looks at it, as on a machine that is busy with others.
class BusyClock final : public Clock {
 public:
  MonotonicTime now() const override { return {elapsed_ += step}; }
  WallTime wall() const override { return {}; }
  void move_to(MonotonicTime t) { elapsed_ = t.since_start; }

  Duration step = milliseconds(1);

 private:
  mutable Duration elapsed_{};
};

class BusyLoop final : public Executor {
 public:
  explicit BusyLoop(BusyClock& clock) : Executor(clock), busy_(clock) {}
  void post_remote(UniqueFunction<void()> f) override { post(std::move(f)); }
  void run() {
    while (has_ready()) {
      run_ready();
    }
  }
  // The next timer fires in time, to the nanosecond.
  void fire() {
    ASSERT_NE(next_timer(), MonotonicTime::max());
    busy_.step = Duration::zero();
    busy_.move_to(next_timer());
    run_due_timers();
    run();
  }

 private:
  BusyClock& busy_;
};

Task<void> stoppable(StoppableSleep& sleep, std::vector<bool>* out) {
  out->push_back(co_await sleep.sleep(seconds(5)));
}

TEST(StoppableSleep, EndsWhenItsTimerFiresInTimeOnABusyMachine) {
  BusyClock clock;
  BusyLoop loop(clock);
  StoppableSleep sleep(loop);
  std::vector<bool> out;
  TaskGroup group(loop);
  group.spawn(stoppable(sleep, &out));
  loop.run();
  EXPECT_TRUE(out.empty());
  loop.fire();
  EXPECT_EQ(out, std::vector<bool>{true});
  sleep.stop();
  loop.run();
}

}  // namespace
}  // namespace roadstead::io
