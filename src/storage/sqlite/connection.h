// SPDX-License-Identifier: Apache-2.0
// One SQLite connection and its prepared statements as values with errors. Used by one thread at a
// time. The only file beside connection.cc that knows sqlite3.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace roadstead::storage {

class Connection;

// A prepared statement in use: bind, step until false, read columns. Reset when it goes out of
// scope, so that it never keeps a read transaction open.
class Statement {
 public:
  Statement(Connection& connection, sqlite3_stmt* statement)
      : connection_(connection), statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters from 1. Bound text must live until the statement is gone.
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::uint64_t number);
  Statement& bind_blob(int index, std::string_view bytes);

  Result<bool> step();  // true: there is a row
  Result<void> run();   // steps to the end
  std::uint64_t number(int column) const;
  std::string text(int column) const;  // also of a blob
  std::size_t size(int column) const;

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;
};

class Connection {
 public:
  enum class Access : unsigned char { ReadWrite, ReadOnly };
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Several statements without parameters or results.
  Result<void> execute(const std::string& sql);
  // Prepared once, kept for the connection's life. `sql` is a literal.
  Statement prepare(const char* sql);
  Result<std::uint64_t> read_number(const char* sql);
  Result<std::string> read_text(const char* sql);

  // Copies the whole database as of now into a new file; others may write meanwhile, also other
  // processes.
  Result<void> backup_to(const std::string& path);

  // The connection's last failure in words that say what to do.
  Error last_error() const;

 private:
  explicit Connection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_;
  std::string path_;
  std::map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace roadstead::storage
