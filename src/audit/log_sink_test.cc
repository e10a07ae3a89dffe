// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "audit/sink.h"

namespace roadstead::audit {
namespace {

using telemetry::LogFormat;

RequestRecord record() {
  RequestRecord r;
  r.audit_id = "7b4a";
  r.started = WallTime{} + std::chrono::microseconds(1'500'000);
  r.took = std::chrono::microseconds(42);
  r.user = "ann";
  r.credential_serial = "0a";
  r.source_address = "10.0.0.1:40000";
  r.cluster = "ack";
  r.verb = "get";
  r.method = "GET";
  r.path = "/api/v1/namespaces/de fault/pods";
  r.status = 200;
  r.bytes_out = 7;
  return r;
}

// What the sink writes for these records, and what it counts as lost.
std::string written(LogFormat format, int records, std::size_t most_waiting, std::uint64_t* lost) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  FakeClock clock;
  telemetry::Counter counter;
  {
    io::BatchWriter writer(ends[1], {.most_waiting = most_waiting, .delay = std::chrono::hours(1)},
                           [&clock, format](std::uint64_t count) {
                             return lost_records_line(format, clock.wall(), count);
                           });
    const auto sink = make_log_audit_sink(format, clock, writer, counter);
    for (int i = 0; i < records; ++i) {
      sink->write(record());
    }
  }
  close(ends[1]);
  std::string all(4096, '\0');
  const ssize_t n = read(ends[0], all.data(), all.size());
  close(ends[0]);
  all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  *lost = counter.value();
  return all;
}

TEST(LogAuditSink, WritesALineOfText) {
  std::uint64_t lost = 0;
  const std::string line = written(LogFormat::Text, 1, 4096, &lost);
  const std::string expected =
      " INFO  request auditID=7b4a started=1970-01-01T00:00:01.500000Z micros=42 user=ann "
      "credential=0a source=10.0.0.1:40000 cluster=ack verb=get method=GET "
      "path=\"/api/v1/namespaces/de fault/pods\" userAgent=\"\" upgrade=\"\" status=200 rule=\"\" "
      "reason=\"\" bytesIn=0 bytesOut=7 attempts=1\n";
  ASSERT_GT(line.size(), expected.size());
  EXPECT_EQ(line.substr(line.find('Z') + 1), expected);
  EXPECT_EQ(lost, 0U);
}

TEST(LogAuditSink, WritesALineOfJson) {
  std::uint64_t lost = 0;
  const std::string line = written(LogFormat::Json, 1, 4096, &lost);
  EXPECT_TRUE(line.starts_with("{\"time\":\"")) << line;
  EXPECT_NE(line.find("\"auditID\":\"7b4a\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"status\":200,"), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with("\"attempts\":1}\n")) << line;
}

TEST(LogAuditSink, CountsAndTellsWhatIsLost) {
  std::uint64_t lost = 0;
  const std::string lines = written(LogFormat::Text, 3, 400, &lost);
  EXPECT_EQ(lost, 2U);
  EXPECT_NE(lines.find("ERROR request records lost count=2\n"), std::string::npos) << lines;
}

}  // namespace
}  // namespace roadstead::audit
