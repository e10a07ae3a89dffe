// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace roadstead::storage::postgres {
namespace {

constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;

std::uint64_t swap_bytes(std::uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  return __builtin_bswap64(value);
}

// libpq's messages end with a line break and may have several lines.
std::string one_line(const char* message) {
  std::string out(message == nullptr ? "" : message);
  std::replace(out.begin(), out.end(), '\n', ' ');
  while (!out.empty() && out.back() == ' ') {
    out.pop_back();
  }
  return out;
}

// The parameters of one statement in libpq's arrays, all in binary form.
struct Arrays {
  explicit Arrays(const std::vector<Param>& params) {
    numbers.reserve(params.size());
    for (const Param& param : params) {
      switch (param.type) {
        case Param::Type::Number: {
          const std::uint64_t big_endian = swap_bytes(param.number);
          numbers.emplace_back();
          std::memcpy(numbers.back().data(), &big_endian, sizeof(big_endian));
          add(kInt8, {numbers.back().data(), sizeof(big_endian)});
          break;
        }
        case Param::Type::Flag:
          numbers.emplace_back();
          numbers.back()[0] = static_cast<char>(param.number);
          add(kBool, {numbers.back().data(), 1});
          break;
        case Param::Type::Text:
          add(kText, param.bytes);
          break;
        case Param::Type::Bytes:
          add(kBytea, param.bytes);
          break;
      }
    }
  }
  void add(Oid type, std::string_view bytes) {
    types.push_back(type);
    values.push_back(bytes.data() == nullptr ? "" : bytes.data());  // a null pointer would be NULL
    lengths.push_back(static_cast<int>(bytes.size()));
    formats.push_back(1);
  }
  int count() const { return static_cast<int>(types.size()); }

  std::vector<std::array<char, 8>> numbers;
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
};

}  // namespace

void Rows::clear(pg_result* result) { PQclear(result); }
int Rows::count() const { return PQntuples(result_.get()); }
bool Rows::null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
std::size_t Rows::size(int row, int column) const { return view(row, column).size(); }
std::string_view Rows::view(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
std::string Rows::text(int row, int column) const { return std::string(view(row, column)); }
bool Rows::flag(int row, int column) const {
  const std::string_view bytes = view(row, column);
  return !bytes.empty() && bytes[0] != 0;
}
std::uint64_t Rows::number(int row, int column) const {
  const std::string_view bytes = view(row, column);
  CHECK(bytes.size() == sizeof(std::uint64_t), "a column that is not BIGINT was read as a number");
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return swap_bytes(value);
}

Result<std::unique_ptr<Connection>> Connection::open(const PostgresSettings& settings,
                                                     const Clock& clock, Deadline deadline) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : settings.keywords) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  const std::string_view password = settings.password.reveal();
  if (!password.empty()) {
    keywords.push_back("password");
    values.push_back(password.data());  // of a std::string: ends with a NUL
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<Connection> connection(new Connection(
      PQconnectStartParams(keywords.data(), values.data(), 0), clock, settings.shown));
  TRY_VOID(connection->connect(deadline));
  return connection;
}

Connection::~Connection() { PQfinish(connection_); }

Result<void> Connection::connect(Deadline deadline) {
  if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) {
    return lost("cannot connect");
  }
  PQsetNoticeReceiver(connection_, [](void*, const PGresult*) {}, nullptr);
  for (PostgresPollingStatusType want = PGRES_POLLING_WRITING; want != PGRES_POLLING_OK;
       want = PQconnectPoll(connection_)) {
    if (want == PGRES_POLLING_FAILED) {
      return lost("cannot connect");
    }
    if (!wait(want == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
      usable_ = false;
      return Error(ErrorKind::Unavailable,
                   "database " + shown_ + ": no answer to the attempt to connect");
    }
  }
  if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1) {
    return lost("cannot set up the connection");
  }
  return {};
}

bool Connection::wait(short events, Deadline deadline, int wake_fd) {
  const Duration left = deadline.time() - clock_.now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  if (ms <= 0) {
    return false;
  }
  std::array<pollfd, 2> fds{{{PQsocket(connection_), events, 0}, {wake_fd, POLLIN, 0}}};
  const int ready =
      poll(fds.data(), wake_fd < 0 ? 1 : 2, static_cast<int>(std::min<long>(ms, 60'000)));
  return ready != 0;
}

// libpq gives no codes for failures to connect, only English text as long as nobody calls
// setlocale.
ErrorKind Connection::kind_of_loss() const {
  const std::string_view text = PQerrorMessage(connection_);
  const auto says = [&](std::string_view words) {
    return text.find(words) != std::string_view::npos;
  };
  if (says("certificate")) {
    return ErrorKind::Tls;
  }
  const bool refused = says("authentication failed") || says("no password supplied") ||
                       says("no pg_hba.conf entry") || says("pg_hba.conf rejects") ||
                       (says("FATAL:") && says("does not exist"));
  return refused ? ErrorKind::Storage : ErrorKind::Unavailable;  // a later attempt may do
}

Error Connection::lost(std::string_view what) {
  usable_ = false;
  return Error(kind_of_loss(), "database " + shown_ + ": " + std::string(what) + " (" +
                                   one_line(PQerrorMessage(connection_)) + ")");
}

Error Connection::refused(const pg_result* result) const {
  const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view state = field == nullptr ? "" : field;
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string detail =
      " (" + one_line(primary != nullptr ? primary : PQresultErrorMessage(result)) + ")";
  const std::string where = "database " + shown_ + ": ";
  if (state == "53100") {
    return Error(ErrorKind::Storage,
                 where +
                     "its disk is full; this write was not saved, everything before it was. "
                     "Free space" +
                     detail);
  }
  if (state == "25006") {
    return Error(ErrorKind::Storage,
                 where + "it is read-only; this write was not saved. Make it writable" + detail);
  }
  if (state == "42501") {
    return Error(
        ErrorKind::Storage,
        where + "its user may not do this. Make the user the owner of the database" + detail);
  }
  // Connection, resources, operator and timeouts, serialisation, locks: a later attempt may do.
  for (const std::string_view prefix : {"08", "53", "57", "40", "55"}) {
    if (state.starts_with(prefix)) {
      return Error(ErrorKind::Unavailable, where + "it cannot serve now" + detail);
    }
  }
  return Error(ErrorKind::Storage, where + "PostgreSQL failed, " + std::string(state) + detail);
}

Result<void> Connection::send(const Query& query, std::vector<bool>* extra) {
  const Arrays arrays(query.params);
  if (!query.prepared) {
    extra->push_back(false);
    return PQsendQueryParams(connection_, query.sql, arrays.count(), arrays.types.data(),
                             arrays.values.data(), arrays.lengths.data(), arrays.formats.data(),
                             1) == 1
               ? Result<void>()
               : lost("cannot send");
  }
  auto known = prepared_.find(query.sql);
  if (known == prepared_.end()) {
    const std::string name = "s" + std::to_string(next_name_++);
    if (PQsendPrepare(connection_, name.c_str(), query.sql, arrays.count(), arrays.types.data()) !=
        1) {
      return lost("cannot send");
    }
    extra->push_back(true);
    new_names_.push_back(query.sql);
    known = prepared_.emplace(query.sql, name).first;
  }
  extra->push_back(false);
  return PQsendQueryPrepared(connection_, known->second.c_str(), arrays.count(),
                             arrays.values.data(), arrays.lengths.data(), arrays.formats.data(),
                             1) == 1
             ? Result<void>()
             : lost("cannot send");
}

Result<void> Connection::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) {
      return {};
    }
    // The server may stop reading until we take its answers.
    if (left < 0 || !wait(POLLIN | POLLOUT, deadline) || PQconsumeInput(connection_) != 1) {
      return lost("the connection was lost");
    }
  }
}

Result<pg_result*> Connection::next_result(Deadline deadline) {
  while (PQisBusy(connection_) != 0) {
    if (!wait(POLLIN, deadline)) {
      usable_ = false;
      return Error(ErrorKind::Unavailable, "database " + shown_ + ": no answer in time");
    }
    if (PQconsumeInput(connection_) != 1) {
      return lost("the connection was lost");
    }
  }
  return PQgetResult(connection_);
}

// For each statement that was sent: its result, then a null one; the sync's result at the end.
Result<std::vector<Rows>> Connection::collect(const std::vector<bool>& extra, Deadline deadline) {
  std::vector<Rows> out;
  std::optional<Error> failure;
  for (std::size_t statement = 0;;) {
    TRY(pg_result * raw, next_result(deadline));
    if (raw == nullptr) {
      if (PQstatus(connection_) == CONNECTION_BAD) {
        return lost("the connection was lost");
      }
      ++statement;
      continue;
    }
    Rows rows(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_PIPELINE_SYNC) {
      break;
    }
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      if (statement < extra.size() && !extra[statement]) {
        out.push_back(std::move(rows));
      }
    } else if (status != PGRES_PIPELINE_ABORTED && !failure) {
      failure = refused(raw);
    }
  }
  if (failure) {
    return std::move(*failure);
  }
  return out;
}

Result<std::vector<Rows>> Connection::run(std::span<const Query> queries, Deadline deadline) {
  std::vector<bool> extra;  // the preparation of a statement, whose result nobody wants
  new_names_.clear();
  for (const Query& query : queries) {
    TRY_VOID(send(query, &extra));
  }
  if (PQpipelineSync(connection_) != 1) {
    return lost("cannot send");
  }
  TRY_VOID(flush(deadline));
  auto collected = collect(extra, deadline);
  if (!collected.ok()) {
    for (const char* sql : new_names_) {
      prepared_.erase(sql);
    }
  }
  return collected;
}

Result<Rows> Connection::run(Query query, Deadline deadline) {
  TRY(std::vector<Rows> rows, run(std::span(&query, 1), deadline));
  CHECK(rows.size() == 1, "one statement has one result");
  return std::move(rows.front());
}

Result<void> Connection::execute(const std::string& sql, Deadline deadline) {
  std::string_view rest = sql;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string statement(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (statement.find_first_not_of(" \n") != std::string::npos) {
      TRY(const Rows rows, run({statement.c_str(), {}, false}, deadline));
      static_cast<void>(rows);
    }
  }
  return {};
}

Result<bool> Connection::wait_for_notification(Deadline deadline, int wake_fd) {
  const auto take = [this] {
    bool any = false;
    while (PGnotify* notification = PQnotifies(connection_)) {
      PQfreemem(notification);
      any = true;
    }
    return any;
  };
  if (take()) {
    return true;
  }
  static_cast<void>(wait(POLLIN, deadline, wake_fd));
  if (PQconsumeInput(connection_) != 1) {
    return lost("the connection was lost");
  }
  return take();
}

}  // namespace roadstead::storage::postgres
