// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rfc3339.h"
#include "cli/output.h"

namespace roadstead::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Text, AgesHaveAtMostTwoUnits) {
  EXPECT_EQ(age_text(seconds(-3)), "0s");
  EXPECT_EQ(age_text(seconds(59)), "59s");
  EXPECT_EQ(age_text(seconds(65)), "1m5s");
  EXPECT_EQ(age_text(minutes(40) + seconds(5)), "40m");
  EXPECT_EQ(age_text(hours(2)), "2h");
  EXPECT_EQ(age_text(hours(24 * 6 + 5)), "6d5h");
  EXPECT_EQ(age_text(hours(24 * 60)), "60d");
  const WallTime now = *parse_rfc3339("2026-11-22T08:00:00Z");
  EXPECT_EQ(relative_time("2026-11-22T07:59:20Z", now), "40s ago");
  EXPECT_EQ(relative_time("2026-11-28T08:00:00Z", now), "in 6d");
  EXPECT_EQ(relative_time("soon", now), "soon");
}

TEST(Text, DurationsAreReadAndWrongOnesNamed) {
  EXPECT_EQ(*parse_duration("90s"), Duration(seconds(90)));
  EXPECT_EQ(*parse_duration("2h30m"), Duration(minutes(150)));
  EXPECT_EQ(*parse_duration("7d"), Duration(hours(168)));
  for (const char* wrong :
       {"", "5", "m", "-5m", "5w", "0s", "5m3", "99999999999999999999s", "9999d"}) {
    const auto parsed = parse_duration(wrong);
    ASSERT_FALSE(parsed.ok()) << wrong;
    EXPECT_EQ(parsed.error().kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(parsed.error().message(), testing::HasSubstr("2h30m"));
  }
}

TEST(Text, NothingOfOthersReachesTheTerminalAsACommand) {
  EXPECT_EQ(printable("plain ✓ 名前"), "plain ✓ 名前");
  EXPECT_EQ(printable("a\x1b[2Jb"), "a?[2Jb");
  EXPECT_EQ(printable("a\nb\tc"), "a b c");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");                                                // CSI as one character
  EXPECT_EQ(printable("user\xe2\x80\xaegnp.exe"), "user?gnp.exe");  // right-to-left override
  EXPECT_EQ(printable("\xff\xc3"), "??");
}

TEST(Text, ColumnsAreAsWideAsTheirWidestCell) {
  const Table table{{"Name", "Phase"}, {{"ack", "Running"}, {"überlang", "✓"}}};
  EXPECT_EQ(format_table(table),
            "NAME       PHASE\n"
            "ack        Running\n"
            "überlang   ✓\n");
  EXPECT_EQ(format_table(table, false), "ack        Running\nüberlang   ✓\n");
  // A row with too few cells, or with none.
  EXPECT_EQ(format_table({{"A", "B"}, {{"x"}, {}}}), "A   B\nx\n\n");
}

TEST(Text, ColoursOnlyWhenOn) {
  EXPECT_EQ(Palette(false).paint(Colour::Bad, "x"), "x");
  EXPECT_EQ(Palette(true).paint(Colour::Bad, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Palette(true).paint(Colour::Plain, "x"), "x");
}

json::value parse(std::string_view text) { return *codec::parse_json(text); }

TEST(Output, WideShowsWhatTheTableHides) {
  const auto server = parse(R"({"kind":"Table","columnDefinitions":[
    {"name":"Name","priority":0},{"name":"Provider","priority":1},{"name":"Replicas","priority":0}],
    "rows":[{"cells":["ack","acme",2]},{"cells":["b",null,1]}]})");
  EXPECT_EQ(format_table(table_of(server, false)), "NAME   REPLICAS\nack    2\nb      1\n");
  EXPECT_EQ(format_table(table_of(server, true)),
            "NAME   PROVIDER   REPLICAS\nack    acme       2\nb      <none>     1\n");
}

TEST(Output, NamesOfObjectsAndLists) {
  EXPECT_EQ(*format_object(parse(R"({"apiVersion":"roadstead.io/v1alpha1","kind":"Cluster",
    "metadata":{"name":"ack"}})"),
                           Format::Name),
            "cluster.roadstead.io/ack\n");
  EXPECT_EQ(*format_object(parse(R"({"apiVersion":"roadstead.io/v1alpha1","kind":"ClusterList",
    "items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]})"),
                           Format::Name),
            "cluster.roadstead.io/a\ncluster.roadstead.io/b\n");
  EXPECT_EQ(*parse_format("wide"), Format::Wide);
  const auto wrong = parse_format("xml");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message(), testing::HasSubstr("table, wide, json, yaml, name"));
}

}  // namespace
}  // namespace roadstead::cli
