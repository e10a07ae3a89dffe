// SPDX-License-Identifier: Apache-2.0
#include "tunnel/protocol.h"

#include <gtest/gtest.h>

namespace roadstead::tunnel {
namespace {

TEST(MessageReader, TakesMessagesInAnySlicing) {
  const std::string bytes = frame_message({{"type", "a"}}) + frame_message({{"type", "b"}});
  MessageReader reader;
  std::string types;
  for (const char c : bytes) {
    const auto messages = reader.feed({&c, 1});
    ASSERT_TRUE(messages.ok());
    for (const auto& message : *messages) {
      types += message_type(message);
    }
  }
  EXPECT_EQ(types, "ab");
}

TEST(MessageReader, RefusesALongMessageByItsLength) {
  const auto head = [](std::size_t length) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<char>((length >> shift) & 0xff));
    }
    return bytes;
  };
  MessageReader allowed;
  EXPECT_TRUE(allowed.feed(head(kMaxMessageBytes)).ok());
  MessageReader refused;
  EXPECT_EQ(refused.feed(head(kMaxMessageBytes + 1)).error().kind(), ErrorKind::Protocol);
}

TEST(MessageReader, RefusesWhatIsNoMessage) {
  for (const char* body : {"[]", "{}", "{\"type\":1}", "nothing"}) {
    const std::string text(body);
    MessageReader reader;
    const std::string bytes{'\0', '\0', '\0', static_cast<char>(text.size())};
    EXPECT_FALSE(reader.feed(bytes + text).ok()) << body;
  }
}

}  // namespace
}  // namespace roadstead::tunnel
