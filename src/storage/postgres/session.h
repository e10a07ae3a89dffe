// SPDX-License-Identifier: Apache-2.0
// A connection that comes back: dialled when it is needed, dialled again when it was lost. Used by
// one thread, which it blocks.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/wakeup.h"

namespace roadstead::storage::postgres {

struct SessionOptions {
  PostgresSettings settings;
  std::string schema = "roadstead";
  // How long a call waits for a database that is away. Then Unavailable.
  Duration patience = std::chrono::seconds(15);
  Duration statement_timeout = std::chrono::seconds(30);
  Claim claim = Claim::Shared;
};

class Session {
 public:
  // `stop` ends pauses between attempts. All must outlive the session.
  Session(const SessionOptions& options, const Clock& clock, const Wakeup& stop)
      : options_(options), clock_(clock), stop_(stop) {}

  // The live connection. Tries again until the deadline.
  Result<Connection*> connection(Deadline deadline);
  // Like Connection::run, again on a new connection when that fails: for what may be repeated.
  Result<std::vector<Rows>> run(std::span<const Query> queries);
  Result<Rows> run(Query query);
  void drop() { connection_.reset(); }
  // Before another attempt. False when there is no time for one.
  bool pause(Deadline deadline);

  Deadline patience() const { return Deadline::after(clock_, options_.patience); }

 private:
  Result<void> dial(Deadline deadline);

  const SessionOptions& options_;
  const Clock& clock_;
  const Wakeup& stop_;
  std::unique_ptr<Connection> connection_;
  int attempts_ = 0;
};

}  // namespace roadstead::storage::postgres
