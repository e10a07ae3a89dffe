// SPDX-License-Identifier: Apache-2.0
// Brings what other hubs commit into the change feed: LISTEN, and a look at the database every few
// seconds besides, or several times a second as long as notifications do not arrive (a pooler
// between them, a server that has none).
//
// run() occupies a thread of its own until stop(); the rest may be called from any thread.
#pragma once

#include <atomic>

#include "storage/change_feed.h"
#include "storage/postgres/session.h"

namespace roadstead::storage::postgres {

class Follower {
 public:
  Follower(const SessionOptions& options, const Clock& clock, ChangeFeed& feed)
      : options_(options), clock_(clock), session_(options, clock, wakeup_), feed_(feed) {}

  void run();
  void stop();
  // There is something newer than the feed.
  void look() { wakeup_.wake(); }

 private:
  Result<void> follow(Deadline deadline);
  Result<void> catch_up(Connection& connection);
  Result<void> skip_forgotten(Connection& connection);
  Result<void> wait(Connection& connection);

  const SessionOptions& options_;
  const Clock& clock_;
  Wakeup wakeup_;
  Session session_;
  ChangeFeed& feed_;
  std::atomic<bool> stopping_{false};
  bool notified_ = false;  // notifications arrive
  bool told_ = false;      // the last wait ended by one
};

}  // namespace roadstead::storage::postgres
