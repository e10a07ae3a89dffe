// SPDX-License-Identifier: Apache-2.0
#include "net/inherited_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roadstead::net {
namespace {

using Environment = std::map<std::string, std::string>;
using Sockets = std::map<std::string, int>;

TEST(InheritedSockets, AreCountedFromTheThirdDescriptor) {
  const Environment environment{
      {"LISTEN_PID", "42"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "users:metrics"}};
  EXPECT_EQ(inherited_sockets(environment, 42).value(), (Sockets{{"users", 3}, {"metrics", 4}}));
}

TEST(InheritedSockets, OfAnotherProcessAreLeftAlone) {
  const Environment environment{{"LISTEN_PID", "42"}, {"LISTEN_FDS", "2"}};
  EXPECT_EQ(inherited_sockets(environment, 43).value(), Sockets());
  EXPECT_EQ(inherited_sockets({}, 43).value(), Sockets());
}

TEST(InheritedSockets, NeedNoName) {
  EXPECT_EQ(inherited_sockets({{"LISTEN_PID", "1"}, {"LISTEN_FDS", "1"}}, 1).value(),
            (Sockets{{"unknown", 3}}));
  EXPECT_EQ(inherited_sockets({{"LISTEN_PID", "1"}, {"LISTEN_FDS", "0"}}, 1).value(), Sockets());
}

TEST(InheritedSockets, MistakesAreNamed) {
  const auto error_of = [](std::string count, std::string names) {
    const auto found = inherited_sockets(
        {{"LISTEN_PID", "1"}, {"LISTEN_FDS", count}, {"LISTEN_FDNAMES", names}}, 1);
    return found.ok() ? "" : found.error().message();
  };
  for (const char* count : {"", "-1", "x", "17", "99999999999999999999"}) {
    EXPECT_THAT(error_of(count, ""), testing::HasSubstr("LISTEN_FDS")) << count;
  }
  EXPECT_EQ(error_of("2", "users"), "LISTEN_FDNAMES names 1 sockets, LISTEN_FDS 2");
  EXPECT_THAT(error_of("2", "users:users"), testing::HasSubstr("called \"users\""));
}

}  // namespace
}  // namespace roadstead::net
