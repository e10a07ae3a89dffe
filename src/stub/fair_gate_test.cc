// SPDX-License-Identifier: Apache-2.0
#include "stub/fair_gate.h"

#include <gtest/gtest.h>

#include <list>
#include <vector>

#include "base/clock.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"

namespace roadstead::stub {
namespace {

using std::chrono::seconds;

class FairGateTest : public ::testing::Test {
 protected:
  ~FairGateTest() override {
    loop.run_until_done(tasks.join());  // who still waits gives up in time
    entries_.clear();
    EXPECT_EQ(gate_.people(), 0U) << "nobody is remembered who has nothing here";
  }

  struct Entry {
    std::string who;
    FairGate::Ticket ticket;
    std::optional<Result<FairGate::Permit>> outcome;

    bool admitted() const { return outcome.has_value() && outcome->ok(); }
    bool refused(ErrorKind kind) const {
      return outcome.has_value() && !outcome->ok() && outcome->error().kind() == kind;
    }
    void leave() { outcome.reset(); }
  };

  Entry& enter(std::string who, bool lasting = false) {
    Entry& entry = entries_.emplace_back();
    entry.who = std::move(who);
    tasks.spawn(wait(&entry, lasting));
    settle();
    return entry;
  }
  void settle() { loop.run_for(Duration::zero()); }
  // Who was admitted in which order, since the start.
  std::string order() const { return order_; }

  FakeClock clock;
  io::SimulatedLoop loop{clock};
  io::TaskGroup tasks{loop};
  FairGate gate_{{.running = 4,
                  .running_of_one = 3,
                  .waiting = 6,
                  .waiting_of_one = 4,
                  .lasting = 3,
                  .lasting_of_one = 2,
                  .longest_wait = seconds(10)}};

 private:
  io::Task<void> wait(Entry* entry, bool lasting) {
    auto outcome = co_await gate_.enter(loop, entry->who, lasting, entry->ticket);
    if (outcome.ok()) {
      order_ += entry->who;
    }
    entry->outcome.emplace(std::move(outcome));
  }
  std::list<Entry> entries_;
  std::string order_;
};

TEST_F(FairGateTest, OnePersonGetsTheirShareAndTheRestWaits) {
  std::vector<Entry*> a;
  for (int i = 0; i < 5; ++i) {
    a.push_back(&enter("a"));
  }
  EXPECT_EQ(gate_.running(), 3U);
  EXPECT_EQ(gate_.waiting(), 2U);
  EXPECT_TRUE(enter("b").admitted()) << "a place is left for others";
  EXPECT_FALSE(enter("b").admitted()) << "all are taken";
  a[0]->leave();
  settle();
  EXPECT_EQ(gate_.running(), 4U);
}

TEST_F(FairGateTest, TurnsGoRoundAmongPeople) {
  std::vector<Entry*> running;
  for (const char* who : {"a", "a", "a", "b"}) {
    running.push_back(&enter(who));
  }
  for (const char* who : {"a", "a", "a", "b", "c"}) {
    enter(who);
  }
  EXPECT_EQ(order(), "aaab");
  for (Entry* entry : running) {
    entry->leave();
    settle();
  }
  EXPECT_EQ(order(), "aaabbcaa") << "b and c came later and did not wait for all of a";
}

TEST_F(FairGateTest, RefusesBeyondWhatMayWait) {
  for (int i = 0; i < 3 + 4; ++i) {
    EXPECT_FALSE(enter("a").refused(ErrorKind::TooManyRequests));
  }
  EXPECT_TRUE(enter("a").refused(ErrorKind::TooManyRequests)) << "four of a wait";
  EXPECT_TRUE(enter("b").admitted());
  EXPECT_FALSE(enter("b").refused(ErrorKind::TooManyRequests));
  EXPECT_FALSE(enter("c").refused(ErrorKind::TooManyRequests));
  EXPECT_EQ(gate_.waiting(), 6U);
  EXPECT_TRUE(enter("d").refused(ErrorKind::TooManyRequests)) << "six wait in all";
}

TEST_F(FairGateTest, AWaitHasAnEnd) {
  for (int i = 0; i < 3; ++i) {
    enter("a");
  }
  Entry& late = enter("a");
  loop.run_for(seconds(9));
  EXPECT_FALSE(late.outcome.has_value());
  loop.run_for(seconds(2));
  EXPECT_TRUE(late.refused(ErrorKind::TooManyRequests));
  EXPECT_EQ(gate_.waiting(), 0U);
}

TEST_F(FairGateTest, WhoLeavesWhileWaitingTakesNoPlace) {
  std::vector<Entry*> running;
  for (int i = 0; i < 3; ++i) {
    running.push_back(&enter("a"));
  }
  Entry& gone = enter("a");
  Entry& next = enter("a");
  gone.ticket.cancel();
  settle();
  EXPECT_TRUE(gone.refused(ErrorKind::Cancelled));
  running[0]->leave();
  settle();
  EXPECT_TRUE(next.admitted());
}

TEST_F(FairGateTest, LastingOnesAreBoundedAndTakeNoPlace) {
  Entry& first = enter("a", true);
  EXPECT_TRUE(first.admitted());
  EXPECT_TRUE(enter("a", true).admitted());
  EXPECT_TRUE(enter("a", true).refused(ErrorKind::TooManyRequests)) << "two of one person";
  EXPECT_TRUE(enter("b", true).admitted());
  EXPECT_TRUE(enter("c", true).refused(ErrorKind::TooManyRequests)) << "three in all";
  EXPECT_EQ(gate_.running(), 0U);
  first.leave();
  EXPECT_TRUE(enter("c", true).admitted());
}

TEST_F(FairGateTest, AnAnswerThatLastsGivesItsPlaceToTheNext) {
  std::vector<Entry*> running;
  for (int i = 0; i < 3; ++i) {
    running.push_back(&enter("a"));
  }
  Entry& next = enter("a");
  (*running[0]->outcome)->become_lasting();
  settle();
  EXPECT_TRUE(next.admitted());
  EXPECT_EQ(gate_.lasting(), 1U);
  (*running[1]->outcome)->become_lasting();
  EXPECT_TRUE(enter("a").refused(ErrorKind::TooManyRequests))
      << "who lets answers lie gets no further ones";
}

}  // namespace
}  // namespace roadstead::stub
