// SPDX-License-Identifier: Apache-2.0
// One record for each request that a Stub or the hub's API has served. The same Audit-ID stands in
// the member API server's own audit event, which is how the two are joined.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "io/batch_writer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace roadstead::audit {

struct RequestRecord {
  std::string audit_id;
  WallTime started{};
  Duration took{};
  std::string user;  // login; "" when not authenticated
  std::string credential_serial;
  std::string source_address;
  std::string cluster;  // "" for the hub's own API
  std::string verb;
  std::string method;
  std::string path;  // without the query: queries may carry user data
  std::string user_agent;
  std::string upgrade;  // "", "websocket", "spdy/3.1"
  int status = 0;       // 0: aborted before an answer
  std::string rule;     // policy::Decision::rule
  std::string reason;   // why it was refused or failed, "" otherwise
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  int attempts = 1;
};

// Thread-safe. `write` never blocks the data path.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  virtual void write(const RequestRecord& record) = 0;
};

// One log line for each record, whatever the log level. The writer collects them, so a line may
// come up to its delay after the request's end. What the writer does not take because its reader
// stands still is lost; `lost` counts it.
std::unique_ptr<AuditSink> make_log_audit_sink(telemetry::LogFormat format, const Clock& clock,
                                               io::BatchWriter& writer, telemetry::Counter& lost);

// What the writer says once its descriptor takes lines again.
std::string lost_records_line(telemetry::LogFormat format, WallTime time, std::uint64_t count);

}  // namespace roadstead::audit
