// SPDX-License-Identifier: Apache-2.0
#include "stub/watch_framer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"

namespace roadstead::stub {
namespace {

using Format = WatchFramer::Format;

std::string length_delimited(std::string_view body) {
  const auto n = static_cast<unsigned>(body.size());
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((n >> shift) & 0xff));
  }
  return out.append(body);
}

// Feeds `whole` cut at `cut`: everything passed so far must be whole objects, and `boundaries` are
// the only places where the framer calls itself clean.
void check_every_cut(Format format, const std::vector<std::string>& objects) {
  std::string whole;
  std::vector<std::size_t> boundaries{0};
  for (const std::string& o : objects) {
    whole += o;
    boundaries.push_back(whole.size());
  }
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    WatchFramer framer(format);
    const std::string passed = framer.feed(whole.substr(0, cut));
    const auto at = std::upper_bound(boundaries.begin(), boundaries.end(), cut) - 1;
    EXPECT_EQ(passed.size(), *at) << "cut at " << cut;
    EXPECT_EQ(framer.at_boundary(), *at == cut) << "cut at " << cut;
    EXPECT_EQ(passed + framer.feed(whole.substr(cut)), whole);
    EXPECT_TRUE(framer.at_boundary());
  }
}

TEST(WatchFramer, JsonLinesEndAtNewlines) {
  check_every_cut(Format::JsonLines, {"{\"type\":\"ADDED\"}\n", "{}\n", "{\"a\":\"x\"}\n"});
}

TEST(WatchFramer, ProtobufEndsByLength) {
  check_every_cut(Format::LengthDelimited, {length_delimited("abc"), length_delimited(""),
                                            length_delimited(std::string(300, 'x'))});
}

TEST(WatchFramer, CborSequenceEndsAtItems) {
  using namespace std::string_literals;
  check_every_cut(
      Format::CborSequence,
      {"\xa1\x61\x61\x01"s,                                  // {"a": 1}
       "\xbf\x61\x61\x9f\x01\x02\xff\xff"s,                  // {_ "a": [_ 1, 2]}
       "\x7f\x61\x61\x61\x62\xff"s,                          // (_ "a", "b")
       "\xd9\xd9\xf7\xa2\x61\x61\x42\x01\x02\x61\x62\x80"s,  // tagged {"a": h'', "b": []}
       "\x1b\x00\x00\x00\x00\x00\x00\x00\x01"s, "\xa0"s, "\xf6"s});
}

TEST(WatchFramer, RandomSlicingGivesTheSameBytes) {
  SeededRandom random(3);
  std::string whole;
  for (int i = 0; i < 200; ++i) {
    whole += "{\"n\":\"" + std::string(random.below(200), 'y') + "\"}\n";
  }
  WatchFramer framer(Format::JsonLines);
  std::string out;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t n = 1 + random.below(300);
    out += framer.feed(whole.substr(at, n));
    at += n;
  }
  EXPECT_EQ(out, whole);
}

TEST(WatchFramer, WhatIsNoKnownFormatPassesAndIsNeverClean) {
  WatchFramer framer(WatchFramer::format_of("text/plain"));
  EXPECT_EQ(framer.feed("abc"), "abc");
  EXPECT_FALSE(framer.at_boundary());
}

TEST(WatchFramer, MalformedCborIsPassedOnAndNotClean) {
  WatchFramer framer(Format::CborSequence);
  EXPECT_EQ(framer.feed("\xff\x01"), "\xff\x01");
  EXPECT_FALSE(framer.at_boundary());
}

TEST(WatchFramer, AHugeObjectIsNotHeldForEver) {
  WatchFramer framer(Format::JsonLines);
  std::string passed;
  for (int i = 0; i < 10; ++i) {
    passed += framer.feed(std::string(1024 * 1024, 'x'));
  }
  EXPECT_EQ(passed.size(), 10U * 1024 * 1024);
  EXPECT_FALSE(framer.at_boundary());
}

TEST(WatchFramer, KnowsTheThreeFormats) {
  EXPECT_EQ(WatchFramer::format_of("application/json; charset=utf-8"), Format::JsonLines);
  EXPECT_EQ(WatchFramer::format_of("application/vnd.kubernetes.protobuf;stream=watch"),
            Format::LengthDelimited);
  EXPECT_EQ(WatchFramer::format_of("application/cbor-seq"), Format::CborSequence);
}

TEST(WatchFramer, HoldsALongObjectOnlyWhileTheBudgetHasRoom) {
  http::BufferBudget budget(256 * 1024);
  const std::string part(100 * 1024, 'x');
  WatchFramer first(WatchFramer::Format::JsonLines, &budget);
  WatchFramer second(WatchFramer::Format::JsonLines, &budget);
  EXPECT_EQ(first.feed(part + part), "");
  EXPECT_EQ(budget.used(), 2 * part.size() - WatchFramer::kFree);
  EXPECT_EQ(second.feed(part), "");
  EXPECT_EQ(second.feed(part + part), part + part + part) << "passed on as it comes";
  EXPECT_FALSE(second.may_end());
  EXPECT_EQ(first.feed("\n"), part + part + "\n");
  EXPECT_TRUE(first.may_end());
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace roadstead::stub
