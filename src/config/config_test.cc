// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/config_reader.h"
#include "config/nearest.h"

namespace roadstead::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

enum class Format : unsigned char { Text, Json };

// A program's settings, as the hub and the Agent declare theirs.
struct Settings {
  std::string name = "default";
  std::uint16_t port = 8443;
  std::int64_t streams = 16;
  Duration timeout = 30s;
  std::uint64_t buffer = 65536;
  bool debug = false;
  Format format = Format::Text;
  std::vector<std::string> names;
  std::vector<std::string> peers;
};

Result<Settings> read(ConfigSources sources, std::vector<std::string>* unused = nullptr) {
  Settings s;
  ConfigReader reader(std::move(sources));
  const Section root = reader.root();
  root.text("name", s.name);
  root.boolean("debug", s.debug);
  root.choice<Format>("logFormat", s.format, {{"text", Format::Text}, {"json", Format::Json}});
  const Section listen = root.section("listen");
  listen.port("port", s.port);
  listen.integer("maxStreams", s.streams, {1, 100});
  listen.duration("timeout", s.timeout, {1s, 1h});
  listen.size("buffer", s.buffer, {4096, 1 << 20});
  listen.texts("names", s.names);
  root.sections("peers", [&](const Section& peer) {
    std::string name;
    peer.require("name", peer.text("name", name));
    s.peers.push_back(name);
  });
  TRY_VOID(reader.finish());
  if (unused != nullptr) {
    *unused = reader.unused_environment();
  }
  return s;
}

ConfigSources file(std::string_view yaml) {
  return {.file = *parse_config(yaml), .file_name = "hub.yaml"};
}

std::string error_of(ConfigSources sources) {
  const auto r = read(std::move(sources));
  return r.ok() ? "accepted" : r.error().message();
}

TEST(Config, DefaultsStayWhenNothingIsGiven) {
  for (const char* yaml : {"", "# only a comment", "listen:", "listen: {}\nname: null"}) {
    const auto s = read(file(yaml));
    ASSERT_TRUE(s.ok()) << s.error().message();
    EXPECT_EQ(s->port, 8443);
    EXPECT_EQ(s->name, "default");
  }
}

TEST(Config, ReadsAFile) {
  const auto s =
      read(file("name: a\ndebug: yes\nlogFormat: json\nlisten:\n  port: 443\n"
                "  maxStreams: 100\n  timeout: 1m30s\n  buffer: 64KiB\n"
                "  names: [x, z]\npeers:\n- name: p\n- name: q\n"));
  ASSERT_TRUE(s.ok()) << s.error().message();
  EXPECT_EQ(s->name, "a");
  EXPECT_TRUE(s->debug);
  EXPECT_EQ(s->format, Format::Json);
  EXPECT_EQ(s->port, 443);
  EXPECT_EQ(s->streams, 100);
  EXPECT_EQ(s->timeout, 90s);
  EXPECT_EQ(s->buffer, 65536U);
  EXPECT_THAT(s->names, ElementsAre("x", "z"));
  EXPECT_THAT(s->peers, ElementsAre("p", "q"));
}

TEST(Config, FlagsGoOverVariablesOverTheFile) {
  ConfigSources sources = file("name: file\nlisten: {port: 1, maxStreams: 1}");
  sources.environment = {{"ROADSTEAD_NAME", "variable"},
                         {"ROADSTEAD_LISTEN_PORT", "2"},
                         {"ROADSTEAD_LISTEN_MAX_STREAMS", "2"},
                         {"ROADSTEAD_LISTEN_NAMES", "a, b"},
                         {"ROADSTEAD_DEBUG", "TRUE"},
                         {"ROADSTEAD_SERVICE_HOST", "10.0.0.1"},
                         {"HOME", "/"}};
  sources.flags = {{"listen.port", "3"}};
  std::vector<std::string> unused;
  const auto s = read(sources, &unused);
  ASSERT_TRUE(s.ok()) << s.error().message();
  EXPECT_EQ(s->name, "variable");
  EXPECT_EQ(s->port, 3);
  EXPECT_EQ(s->streams, 2);
  EXPECT_TRUE(s->debug);
  EXPECT_THAT(s->names, ElementsAre("a", "b"));
  EXPECT_THAT(unused, ElementsAre("ROADSTEAD_SERVICE_HOST"));
}

TEST(Config, CollectsEveryMistakeWithItsPath) {
  ConfigSources sources = file(
      "name: ''\ndebug: 7\nlogFormat: xml\nlisten:\n  port: 99999\n  prot: 1\n  timeout: 5\n"
      "  buffer: 1KiB\n  names: [1]\nlistne: {}\npeers:\n- nmae: x\n- 3\n");
  sources.environment = {{"ROADSTEAD_LISTEN_MAX_STREAMS", "1e3"}};
  sources.flags = {{"listen.prt", "1"}};
  EXPECT_EQ(
      error_of(sources),
      "hub.yaml: 14 mistakes\n"
      "  name: is empty\n"
      "  debug: 7 is neither true nor false\n"
      "  logFormat: \"xml\" is none of: text, json\n"
      "  listen.port: 99999 is not a port (1-65535)\n"
      "  listen.maxStreams (from ROADSTEAD_LISTEN_MAX_STREAMS): \"1e3\" is not a whole number "
      "from 1 to 100\n"
      "  listen.timeout: 5 has no unit; write a duration such as 5s or 1h30m\n"
      "  listen.buffer: \"1KiB\" is not from 4KiB to 1MiB\n"
      "  listen.names: 1 is not text (put it in quotes)\n"
      "  peers[0].name: is missing\n"
      "  peers[1]: a mapping of names to values is expected\n"
      "  listne: there is no such setting; did you mean listen?\n"
      "  listen.prot: there is no such setting; did you mean port?\n"
      "  peers[0].nmae: there is no such setting; did you mean name?\n"
      "  listen.prt (given as a flag): there is no such setting; did you mean listen.port?");
}

TEST(Config, WrongShapesAreTold) {
  EXPECT_THAT(error_of(file("listen: 3")), HasSubstr("listen: a mapping"));
  EXPECT_THAT(error_of(file("peers: {}")), HasSubstr("peers: a list of mappings"));
  EXPECT_THAT(error_of(file("name: 1.10")), HasSubstr("put it in quotes"));
  EXPECT_THAT(error_of(file("name: \"a\\nb\"")), HasSubstr("control characters"));
  EXPECT_THAT(error_of(file("listen: {port: '80'}")), HasSubstr("\"80\" is not a port"));
  EXPECT_FALSE(parse_config("- a").ok());
  EXPECT_FALSE(parse_config("a: 1\n---\nb: 1").ok());
}

TEST(Units, Durations) {
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("1.5h"), 90min);
  EXPECT_EQ(*parse_duration("7d"), 168h);
  EXPECT_EQ(*parse_duration("0"), 0s);
  for (const char* bad : {"", "5", "s", "-5s", "5 s", "5s ", "1h30", "1..5s", "1.s", ".5s", "5S",
                          "1e3s", "99999999d", "5x", "300000000000h", "106751d24h"}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
}

TEST(Units, Sizes) {
  EXPECT_EQ(*parse_size("4096"), 4096U);
  EXPECT_EQ(*parse_size("64KiB"), 65536U);
  EXPECT_EQ(*parse_size("64Ki"), 65536U);
  EXPECT_EQ(*parse_size("1.5MiB"), 1572864U);
  EXPECT_EQ(*parse_size("1GB"), 1000000000U);
  EXPECT_EQ(*parse_size("18446744073709551615"), UINT64_MAX);
  for (const char* bad :
       {"", "-1", "1K", "1 MiB", "1MiB2", "KiB", "18446744073709551616", "16777216TiB", "1e3"}) {
    EXPECT_FALSE(parse_size(bad).ok()) << bad;
  }
}

RC_GTEST_PROP(Units, WhatIsWrittenIsReadBack, (std::uint64_t n)) {
  RC_ASSERT(*parse_size(format_size(n)) == n);
  const Duration d(static_cast<Duration::rep>(n >> 1));
  RC_ASSERT(*parse_duration(format_duration(d)) == d);
}

TEST(Nearest, IsFoundOnlyWhenClose) {
  const std::set<std::string, std::less<>> names{"port", "listen", "timeout"};
  EXPECT_EQ(nearest_name("prot", names), "port");
  EXPECT_EQ(nearest_name("Listen", names), "listen");
  EXPECT_EQ(nearest_name("timout", names), "timeout");
  EXPECT_EQ(nearest_name("database", names), "");
  EXPECT_EQ(nearest_name(std::string(100, 'a'), names), "");
}

}  // namespace
}  // namespace roadstead::config
