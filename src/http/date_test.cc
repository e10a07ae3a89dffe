// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <gtest/gtest.h>

namespace roadstead::http {
namespace {

TEST(HttpDate, IsFixdate) {
  EXPECT_EQ(format_http_date(WallTime(std::chrono::seconds(784'111'777))),
            "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace roadstead::http
