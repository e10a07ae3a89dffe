// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/connection.h"

#include <sqlite3.h>

#include <cstring>

namespace roadstead::storage {
namespace {

Error explain(int code, const std::string& path, const std::string& detail) {
  std::string message = "store " + path + ": ";
  switch (code & 0xff) {
    case SQLITE_FULL:
      message += "the disk is full; this write was not saved, everything before it was. Free space";
      break;
    case SQLITE_READONLY:
      message += "the file or its folder is read-only; this write was not saved. Make it writable";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      message += "another process holds the database locked. Stop that process";
      break;
    case SQLITE_CORRUPT:
      message += "the database is damaged. Restore a backup";
      break;
    case SQLITE_NOTADB:
      message += "this is not a database of the hub. Give another path";
      break;
    case SQLITE_CANTOPEN:
      message += "the file cannot be opened. Check that the folder exists and is writable";
      break;
    case SQLITE_IOERR:
      message += "reading or writing the disk failed; this write was not saved";
      break;
    default:
      message += "SQLite failed";
      break;
  }
  message.append(" (").append(detail).append(")");
  return Error(ErrorKind::Storage, std::move(message));
}

}  // namespace

Statement::~Statement() {
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

Statement& Statement::bind(int index, std::string_view text) {
  if (statement_ != nullptr) {
    // A null pointer would bind NULL.
    sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(), text.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
  }
  return *this;
}

Statement& Statement::bind(int index, std::uint64_t number) {
  if (statement_ != nullptr) {
    sqlite3_bind_int64(statement_, index, static_cast<sqlite3_int64>(number));
  }
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  if (statement_ != nullptr) {
    sqlite3_bind_blob64(statement_, index, bytes.data() == nullptr ? "" : bytes.data(),
                        bytes.size(), SQLITE_STATIC);
  }
  return *this;
}

Result<bool> Statement::step() {
  if (statement_ == nullptr) {
    return connection_.last_error();
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    return false;
  }
  return connection_.last_error();
}

Result<void> Statement::run() {
  for (;;) {
    TRY(const bool more, step());
    if (!more) {
      return {};
    }
  }
}

std::uint64_t Statement::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

std::string Statement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

std::size_t Statement::size(int column) const {
  return static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Access access) {
  sqlite3* db = nullptr;
  const int flags = (access == Access::ReadOnly ? SQLITE_OPEN_READONLY
                                                : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(db, path));
  if (code != SQLITE_OK) {
    return explain(code, path, db == nullptr ? "out of memory" : sqlite3_errmsg(db));
  }
  sqlite3_busy_timeout(db, 5000);
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) {
    sqlite3_finalize(statement);
  }
  sqlite3_close_v2(db_);
}

Result<void> Connection::execute(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return last_error();
  }
  return {};
}

Statement Connection::prepare(const char* sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) {
    return Statement(*this, known->second);
  }
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) ==
      SQLITE_OK) {
    statements_.emplace(sql, statement);
  }
  return Statement(*this, statement);
}

Result<std::uint64_t> Connection::read_number(const char* sql) {
  Statement statement = prepare(sql);
  TRY(const bool row, statement.step());
  return row ? statement.number(0) : 0;
}

Result<std::string> Connection::read_text(const char* sql) {
  Statement statement = prepare(sql);
  TRY(const bool row, statement.step());
  return row ? statement.text(0) : std::string();
}

Result<void> Connection::backup_to(const std::string& path) {
  TRY(auto target, open(path, Access::ReadWrite));
  sqlite3_backup* backup = sqlite3_backup_init(target->db_, "main", db_, "main");
  if (backup == nullptr) {
    return target->last_error();
  }
  const int code = sqlite3_backup_step(backup, -1);  // one read transaction: one moment
  const int finished = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE || finished != SQLITE_OK) {
    return target->last_error();
  }
  return {};
}

Error Connection::last_error() const {
  std::string detail = sqlite3_errmsg(db_);
  const int code = sqlite3_extended_errcode(db_);
  const int system = sqlite3_system_errno(db_);
  if ((code & 0xff) == SQLITE_IOERR && system != 0) {
    detail.append(": ").append(std::strerror(system));
  }
  return explain(code, path_, detail);
}

}  // namespace roadstead::storage
