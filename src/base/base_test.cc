// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/ascii.h"
#include "base/random.h"
#include "base/result.h"
#include "base/rfc3339.h"
#include "base/secret.h"

namespace roadstead {
namespace {

Result<int> half(int v) {
  if (v % 2 != 0) {
    return Error(ErrorKind::InvalidArgument, "odd");
  }
  return v / 2;
}

Result<int> quarter(int v) {
  TRY(const int h, half(v));
  return half(h);
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  const auto r = quarter(6);
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().to_string(), "InvalidArgument: odd");
}

TEST(Result, ContextStandsInFront) {
  EXPECT_EQ(half(3).with_context("size").error().message(), "size: odd");
}

TEST(ErrorTable, NamesAreUnique) {
  std::set<std::string_view> names;
  for (int k = 0; k <= static_cast<int>(ErrorKind::Internal); ++k) {
    EXPECT_TRUE(names.insert(traits(static_cast<ErrorKind>(k)).name).second);
  }
  EXPECT_EQ(traits(ErrorKind::Gone).http_status, 410);
  EXPECT_EQ(traits(ErrorKind::Internal).exit_code, 70);
}

TEST(Secret, NeverPrintsItself) {
  const Secret s("hunter2");
  std::ostringstream out;
  out << s;
  EXPECT_EQ(out.str(), "***");
  EXPECT_TRUE(s.equals("hunter2"));
  EXPECT_FALSE(s.equals("hunter3"));
  EXPECT_FALSE(s.equals("hunter"));
}

TEST(Rfc3339, RoundTrips) {
  const auto t = parse_rfc3339("2026-11-22T07:54:08.123456Z");
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(format_rfc3339(*t), "2026-11-22T07:54:08Z");
  EXPECT_EQ(format_rfc3339_micro(*t), "2026-11-22T07:54:08.123456Z");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-03-01T00:30:00+01:00")), "2026-02-28T23:30:00Z");
}

TEST(Rfc3339, RefusesWhatIsNotATime) {
  for (const char* bad : {"", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01",
                          "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
                          "9999-01-01T00:00:00Z", "2026-01-01T24:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad).ok()) << bad;
  }
}

TEST(Random, UuidHasVersionAndVariant) {
  SeededRandom random(7);
  for (int i = 0; i < 100; ++i) {
    const std::string u = random.uuid_v4();
    ASSERT_EQ(u.size(), 36U);
    EXPECT_EQ(u[14], '4');
    EXPECT_NE(std::string("89ab").find(u[19]), std::string::npos);
  }
  EXPECT_LT(random.below(3), 3U);
}

TEST(Ascii, SplitsAndTrims) {
  EXPECT_EQ(ascii::split("a,,b", ',').size(), 3U);
  EXPECT_EQ(ascii::trim(" \tx "), "x");
  EXPECT_TRUE(ascii::equals_ignore_case("Impersonate-User", "impersonate-USER"));
}

}  // namespace
}  // namespace roadstead
