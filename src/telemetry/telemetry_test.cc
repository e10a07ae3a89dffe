// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>
#include <thread>

#include "base/rfc3339.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace roadstead::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string line(LogFormat format, std::string_view event, const std::vector<LogField>& fields) {
  return format_log_line(format, *parse_rfc3339("2026-11-22T07:54:08.123456Z"), LogLevel::Info,
                         event, fields);
}

TEST(LogText, IsForPeople) {
  EXPECT_EQ(line(LogFormat::Text, "lane connected",
                 {{"cluster", "ack"}, {"streams", 3}, {"why", "two words"}, {"empty", ""}}),
            "2026-11-22T07:54:08.123Z INFO  lane connected cluster=ack streams=3 "
            "why=\"two words\" empty=\"\"\n");
}

TEST(LogText, AValueCannotForgeALineOrATerminalCommand) {
  EXPECT_EQ(line(LogFormat::Text, "a\nb", {{"user", "x\r\n2026 \x1b[2J\xC2\x9B"}}),
            "2026-11-22T07:54:08.123Z INFO  a\\nb user=\"x\\r\\n2026 \\u001b[2J\\u009b\"\n");
  EXPECT_THAT(line(LogFormat::Text, "e", {{"user", "evil\xE2\x80\xAEtxt"}}), HasSubstr("\\u202e"));
  EXPECT_THAT(line(LogFormat::Text, "e", {{"user", "q\" admin=\"yes"}}),
              HasSubstr("user=\"q\\\" admin=\\\"yes\""));
}

TEST(LogJson, IsOneObjectALine) {
  EXPECT_EQ(
      line(LogFormat::Json, "lane \"x\"",
           {{"n", std::uint64_t{18446744073709551615U}}, {"ok", true}, {"bytes", "\xff\xfe"}}),
      "{\"time\":\"2026-11-22T07:54:08.123Z\",\"level\":\"info\",\"event\":\"lane \\\"x\\\"\","
      "\"n\":18446744073709551615,\"ok\":true,\"bytes\":\"\\ufffd\\ufffd\"}\n");
  EXPECT_THAT(line(LogFormat::Json, "e", {{"level", "x"}}), HasSubstr("\"field.level\":\"x\""));
}

TEST(Log, LongValuesAreCutAtAWholeCodePoint) {
  std::string value(4095, 'a');
  value += "\xC3\xA9tail";
  const std::string out = line(LogFormat::Json, "e", {{"v", value}});
  EXPECT_THAT(out, HasSubstr("aaa...\""));
  EXPECT_THAT(out, Not(HasSubstr("ufffd")));
}

TEST(Logger, AddsFieldsAndKeepsTheLatestOfAKey) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const auto clock = std::make_shared<FakeClock>();
  const Logger log(make_fd_sink(fds[1], LogFormat::Text, clock), LogLevel::Info);
  const Logger cluster = log.with({{"cluster", "a"}, {"lane", 1}});
  cluster.debug("unseen");
  cluster.warn("one", {{"lane", 2}});
  log.error("two");
  Logger().error("nowhere");
  close(fds[1]);
  std::string out(4096, '\0');
  out.resize(static_cast<std::size_t>(read(fds[0], out.data(), out.size())));
  close(fds[0]);
  EXPECT_EQ(out,
            "2027-01-15T08:00:00.000Z WARN  one cluster=a lane=2\n"
            "2027-01-15T08:00:00.000Z ERROR two\n");
}

TEST(Logger, WritesALineAtOnce) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
  const Logger log(make_fd_sink(fds[1], LogFormat::Json, std::make_shared<FakeClock>()),
                   LogLevel::Debug);
  log.debug("x", {{"long", std::string(4096, 'a')}});
  std::string out(20000, '\0');
  // A packet is one write.
  out.resize(static_cast<std::size_t>(recv(fds[0], out.data(), out.size(), 0)));
  EXPECT_GT(out.size(), 4096U);
  EXPECT_EQ(out.back(), '\n');
  close(fds[0]);
  close(fds[1]);
}

TEST(Metrics, RendersThePrometheusText) {
  MetricRegistry registry;
  registry.counter("requests_total", "Requests.", {{"code", "200"}}).add(3);
  registry.counter("requests_total", "Requests.", {{"code", "500"}}).add();
  registry.gauge("lanes", "Lanes\nup.").set(-2);
  auto& seconds = registry.histogram("seconds", "Time.", {0.1, 1}, {{"verb", "get"}});
  seconds.observe(0.1);
  seconds.observe(0.5);
  seconds.observe(7);
  EXPECT_EQ(registry.render(),
            "# HELP lanes Lanes\\nup.\n# TYPE lanes gauge\nlanes -2\n"
            "# HELP requests_total Requests.\n# TYPE requests_total counter\n"
            "requests_total{code=\"200\"} 3\nrequests_total{code=\"500\"} 1\n"
            "# HELP seconds Time.\n# TYPE seconds histogram\n"
            "seconds_bucket{verb=\"get\",le=\"0.1\"} 1\nseconds_bucket{verb=\"get\",le=\"1\"} 2\n"
            "seconds_bucket{verb=\"get\",le=\"+Inf\"} 3\nseconds_sum{verb=\"get\"} 7.6\n"
            "seconds_count{verb=\"get\"} 3\n");
}

TEST(Metrics, LabelsAreASetAndTheirValuesEscaped) {
  MetricRegistry registry;
  auto& a = registry.counter("c", "", {{"x", "1"}, {"y", "q\"\\\n\xff"}});
  auto& b = registry.counter("c", "", {{"y", "q\"\\\n\xff"}, {"x", "1"}});
  EXPECT_EQ(&a, &b);
  EXPECT_THAT(registry.render(), HasSubstr("c{x=\"1\",y=\"q\\\"\\\\\\n\xEF\xBF\xBD\"} 0\n"));
}

TEST(Metrics, ARemovedSeriesLeavesTheOutputAndStartsAtZeroAgain) {
  MetricRegistry registry;
  auto& a = registry.counter("c", "", {{"x", "1"}});
  a.add(5);
  registry.remove("c", {{"x", "1"}});
  registry.remove("no_such", {});
  EXPECT_THAT(registry.render(), Not(HasSubstr("x=")));
  a.add();  // a late holder does no harm
  EXPECT_EQ(registry.counter("c", "", {{"x", "1"}}).value(), 0U);
}

TEST(Metrics, SeriesAreBounded) {
  MetricRegistry registry;
  for (int i = 0; i < 10'000; ++i) {
    registry.counter("c", "", {{"x", std::to_string(i)}});
  }
  auto& over = registry.counter("c", "", {{"x", "new"}});
  EXPECT_EQ(&over, &registry.counter("c", "", {{"x", "newer"}}));
  EXPECT_THAT(registry.render(), HasSubstr("c{x=\"overflow\"}"));
  registry.remove("c", {{"x", "17"}});
  EXPECT_NE(&over, &registry.counter("c", "", {{"x", "newest"}}));
  EXPECT_THAT(registry.render(), HasSubstr("c{x=\"newest\"}"));
}

TEST(Metrics, CountersAreSafeFromManyThreads) {
  MetricRegistry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        registry.counter("c", "").add();
        registry.histogram("h", "", {1}).observe(1);
      }
      registry.render();
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(registry.counter("c", "").value(), 4000U);
}

TEST(MetricsDeathTest, NamesAreCheckedAtStart) {
  MetricRegistry registry;
  EXPECT_DEATH(registry.counter("bad name", ""), "CHECK");
  registry.counter("c", "");
  EXPECT_DEATH(registry.gauge("c", ""), "CHECK");
}

}  // namespace
}  // namespace roadstead::telemetry
