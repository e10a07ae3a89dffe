// SPDX-License-Identifier: Apache-2.0
#include "objects/formats.h"

#include <gtest/gtest.h>

namespace roadstead::objects {
namespace {

struct FormatCase {
  const char* format;
  const char* good;
  const char* bad;
};

TEST(Formats, GoodAndBad) {
  for (const FormatCase& one : {
           FormatCase{"ipv4", "1.2.3.4", "1.2.3"},
           {"ipv6", "::1", "1::2::3"},
           {"cidr", "10.0.0.0/8", "10.0.0.0/40"},
           {"mac", "01:02:03:04:05:06", "01:02"},
           {"uuid", "11111111-1111-4111-8111-111111111111", "x"},
           {"date", "2020-12-01", "2020-13-01"},
           {"date-time", "2020-01-02T03:04:05Z", "yesterday"},
           {"byte", "aGVsbG8=", "***"},
           {"email", "a@b.example", "nobody"},
           {"hostname", "a.example", "-a b"},
           {"uri", "https://a.example/b", "nothing"},
           {"duration", "3h2m", "3 apples"},
       }) {
    EXPECT_TRUE(fits_format(one.format, one.good)) << one.format;
    EXPECT_FALSE(fits_format(one.format, one.bad)) << one.format;
  }
}

TEST(Formats, WhatIsNotCheckedIsTold) {
  EXPECT_EQ(format_support("isbn"), FormatSupport::Unsupported);
  EXPECT_EQ(format_support("no-such-format"), FormatSupport::Ignored);
  EXPECT_EQ(format_support("int32"), FormatSupport::Checked);
}

}  // namespace
}  // namespace roadstead::objects
