// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/follower.h"

#include "storage/postgres/reads.h"

namespace roadstead::storage::postgres {
namespace {

constexpr Duration kPollEvery = std::chrono::milliseconds(250);
constexpr Duration kPollBesideEvery = std::chrono::seconds(5);
constexpr Duration kAnswerTimeout = std::chrono::seconds(10);
constexpr std::size_t kChangesAtOnce = 500;

}  // namespace

void Follower::run() {
  while (!stopping_) {
    const Deadline deadline = Deadline::after(clock_, kAnswerTimeout);
    const auto followed = follow(deadline);
    if (!followed.ok() && !stopping_) {
      session_.drop();
      notified_ = false;
      static_cast<void>(session_.pause(Deadline::never()));
      wakeup_.clear();
    }
  }
  session_.drop();
}

void Follower::stop() {
  stopping_ = true;
  wakeup_.wake();
}

// One connection's life.
Result<void> Follower::follow(Deadline deadline) {
  TRY(Connection* const connection, session_.connection(deadline));
  // First listen, then look: what is committed in between is told.
  TRY_VOID(connection->execute("LISTEN roadstead_" + options_.schema, deadline));
  while (!stopping_) {
    TRY_VOID(catch_up(*connection));
    TRY_VOID(wait(*connection));
  }
  return {};
}

Result<void> Follower::catch_up(Connection& connection) {
  for (;;) {
    const Deadline deadline = Deadline::after(clock_, kAnswerTimeout);
    const Revision before = feed_.revision();
    auto changes = read_changes(connection, before, kChangesAtOnce, deadline);
    if (!changes.ok() && changes.error().kind() == ErrorKind::Gone) {
      TRY_VOID(skip_forgotten(connection));
      continue;
    }
    if (!changes.ok()) {
      return std::move(changes).error();
    }
    // What the wait did not tell of shows that notifications do not arrive.
    notified_ = told_ || (notified_ && changes->changes.empty());
    const bool more = changes->more;
    // Refused when the feed has moved meanwhile: then it is ahead of this answer.
    static_cast<void>(feed_.publish(std::move(changes->changes)));
    if (!more) {
      return {};
    }
  }
}

// This hub was away for longer than the history is kept: its readers are told by Gone.
Result<void> Follower::skip_forgotten(Connection& connection) {
  const Deadline deadline = Deadline::after(clock_, kAnswerTimeout);
  TRY(const Rows rows,
      connection.run({"SELECT value FROM counters WHERE name = 'revision'", {}}, deadline));
  feed_.start_at(rows.number(0, 0));
  return {};
}

Result<void> Follower::wait(Connection& connection) {
  const Duration interval = notified_ ? kPollBesideEvery : kPollEvery;
  TRY(told_, connection.wait_for_notification(Deadline::after(clock_, interval), wakeup_.fd()));
  if (!stopping_) {
    wakeup_.clear();
  }
  return {};
}

}  // namespace roadstead::storage::postgres
