// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/session.h"

#include <algorithm>

namespace roadstead::storage::postgres {
namespace {

constexpr Duration kDialTimeout = std::chrono::seconds(3);
constexpr int kFirstPauseMs = 20;
constexpr int kLongestPauseMs = 1000;

}  // namespace

Result<void> Session::dial(Deadline deadline) {
  const Deadline soon =
      Deadline::at(std::min(deadline.time(), Deadline::after(clock_, kDialTimeout).time()));
  TRY(auto connection, Connection::open(options_.settings, clock_, soon));
  TRY_VOID(prepare_session(*connection, options_.schema, options_.claim, options_.statement_timeout,
                           soon));
  connection_ = std::move(connection);
  attempts_ = 0;
  return {};
}

Result<Connection*> Session::connection(Deadline deadline) {
  if (connection_ != nullptr && !connection_->usable()) {
    drop();
  }
  while (connection_ == nullptr) {
    auto dialled = dial(deadline);
    if (!dialled.ok() && (dialled.error().kind() != ErrorKind::Unavailable || !pause(deadline))) {
      return std::move(dialled).error();
    }
  }
  return connection_.get();
}

bool Session::pause(Deadline deadline) {
  const int wanted = std::min(kLongestPauseMs, kFirstPauseMs << std::min(attempts_, 6));
  ++attempts_;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline.time() - clock_.now()).count();
  return left > wanted && !stop_.wait(wanted);
}

Result<std::vector<Rows>> Session::run(std::span<const Query> queries) {
  const Deadline deadline = patience();
  for (;;) {
    TRY(Connection* const live, connection(deadline));
    auto rows = live->run(queries, deadline);
    if (rows.ok()) {
      return rows;
    }
    drop();  // a transaction may be open
    if (rows.error().kind() != ErrorKind::Unavailable || !pause(deadline)) {
      return rows;
    }
  }
}

Result<Rows> Session::run(Query query) {
  TRY(std::vector<Rows> rows, run(std::span(&query, 1)));
  return std::move(rows.front());
}

}  // namespace roadstead::storage::postgres
