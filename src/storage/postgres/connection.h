// SPDX-License-Identifier: Apache-2.0
// One connection to PostgreSQL: runs of statements in pipeline mode as values with errors. Used by
// one thread at a time, which it blocks, for no longer than the deadline says.
//
// Errors: Unavailable when the connection or the server failed and a later attempt may succeed;
// Storage when the server refused. After either, usable() tells whether the server answered to the
// end; if not, what the run has done is unknown.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "storage/postgres/settings.h"

struct pg_conn;
struct pg_result;

namespace roadstead::storage::postgres {

// A parameter, $1 and on. Views must live until the run has ended.
struct Param {
  enum class Type : unsigned char { Number, Text, Bytes, Flag };
  Type type;
  std::uint64_t number = 0;
  std::string_view bytes;

  static Param of(std::uint64_t n) { return {Type::Number, n, {}}; }
  static Param text(std::string_view t) { return {Type::Text, 0, t}; }
  static Param blob(std::string_view b) { return {Type::Bytes, 0, b}; }
  static Param flag(bool f) { return {Type::Flag, f ? 1U : 0U, {}}; }
};

struct Query {
  const char* sql;  // a literal
  std::vector<Param> params;
  bool prepared = true;  // planned once for the connection's life
};

// Rows of one statement. Numbers are BIGINT columns.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result, &Rows::clear) {}
  int count() const;
  std::uint64_t number(int row, int column) const;
  bool flag(int row, int column) const;
  bool null(int row, int column) const;
  std::size_t size(int row, int column) const;
  std::string text(int row, int column) const;  // also of a blob

 private:
  std::string_view view(int row, int column) const;
  static void clear(pg_result* result);
  std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const PostgresSettings& settings,
                                                  const Clock& clock, Deadline deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // All statements in one round trip; the first that fails ends the run, and without a BEGIN
  // among them none has had an effect.
  Result<std::vector<Rows>> run(std::span<const Query> queries, Deadline deadline);
  Result<Rows> run(Query query, Deadline deadline);
  // Statements without parameters, one after the other.
  Result<void> execute(const std::string& sql, Deadline deadline);

  bool usable() const { return usable_; }
  // Waits for a notification until `deadline` or until `wake_fd` is readable. True: there was one.
  Result<bool> wait_for_notification(Deadline deadline, int wake_fd);

 private:
  Connection(pg_conn* connection, const Clock& clock, std::string shown)
      : connection_(connection), clock_(clock), shown_(std::move(shown)) {}
  Result<void> connect(Deadline deadline);
  Result<void> send(const Query& query, std::vector<bool>* extra);
  Result<void> flush(Deadline deadline);
  Result<pg_result*> next_result(Deadline deadline);
  Result<std::vector<Rows>> collect(const std::vector<bool>& extra, Deadline deadline);
  // True: ready; false: the time passed.
  bool wait(short events, Deadline deadline, int wake_fd = -1);
  ErrorKind kind_of_loss() const;
  Error lost(std::string_view what);
  Error refused(const pg_result* result) const;

  pg_conn* connection_;
  const Clock& clock_;
  std::string shown_;
  bool usable_ = true;
  std::map<const char*, std::string> prepared_;
  std::vector<const char*> new_names_;  // prepared in this run, not known to have succeeded
  int next_name_ = 0;
};

}  // namespace roadstead::storage::postgres
