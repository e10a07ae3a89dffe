// SPDX-License-Identifier: Apache-2.0
// What is too deep, too long or too many is refused with a word about it.
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/yaml.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "objects/client.h"
#include "objects/patch.h"
#include "objects/selector.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead::objects {
namespace {

json::value parse(const std::string& text) {
  auto parsed = codec::parse_json(text);
  CHECK(parsed.ok(), parsed.error().to_string());
  return std::move(*parsed);
}

std::string repeated(std::size_t times, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

// {"a":{"a": … {}}}
std::string nested(std::size_t levels) {
  return repeated(levels - 1, R"({"a":)") + "{}" + std::string(levels - 1, '}');
}

TEST(ObjectLimits, APatchMakesNothingDeeperThanWhatMayBeSent) {
  const auto add = [](std::size_t steps) {
    return parse(R"([{"op":"add","path":")" + repeated(steps, "/a") + R"(","value":)" + nested(60) +
                 "}]");
  };
  EXPECT_TRUE(apply_json_patch(parse(nested(60)), add(40)).ok());
  const auto deep = apply_json_patch(parse(nested(60)), add(41));
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().message(), "the patched object is nested deeper than 100 levels");
}

TEST(ObjectLimits, APatchNestsNothingByMovingItIntoItself) {
  // Each round puts all that is there one level deeper.
  const std::string round = R"({"op":"copy","from":"/a","path":"/b"},)"
                            R"({"op":"replace","path":"/a","value":{}},)"
                            R"({"op":"move","from":"/b","path":"/a/b"})";
  std::string patch = "[" + round;
  for (int i = 0; i < 200; ++i) {
    patch += "," + round;
  }
  const auto deep = apply_json_patch(parse(R"({"a":1})"), parse(patch + "]"));
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().message(), "the patched object is nested deeper than 100 levels");
}

TEST(ObjectLimits, APatchMayMoveMuchThatIsNotDeep) {
  std::string patch = R"([{"op":"test","path":"/a","value":1})";
  for (int i = 0; i < 500; ++i) {
    patch += R"(,{"op":"move","from":"/a","path":"/b"},{"op":"move","from":"/b","path":"/a"})";
  }
  EXPECT_TRUE(apply_json_patch(parse(R"({"a":1})"), parse(patch + "]")).ok());
}

TEST(ObjectLimits, APatchHasSoManyOperations) {
  const std::string one = R"({"op":"test","path":"/a","value":1})";
  const auto many =
      apply_json_patch(parse(R"({"a":1})"), parse("[" + repeated(10'000, one + ",") + one + "]"));
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(
      many.error().message(),
      "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got "
      "10001");
}

TEST(ObjectLimits, ASelectorHasSoManyTerms) {
  EXPECT_TRUE(LabelSelector::parse(repeated(255, "a,") + "a").ok());
  const auto many = LabelSelector::parse(repeated(256, "a,") + "a");
  ASSERT_FALSE(many.ok());
  EXPECT_NE(many.error().message().find("too many terms"), std::string::npos);
}

TEST(ObjectLimits, DocumentsAreSoDeep) {
  EXPECT_TRUE(codec::parse_json(nested(100)).ok());
  const auto deep = codec::parse_json(nested(101));
  ASSERT_FALSE(deep.ok());
  EXPECT_NE(deep.error().message().find("nested deeper than 100 levels"), std::string::npos);
  EXPECT_FALSE(codec::parse_yaml(nested(101)).ok());
}

io::Task<void> keep(io::Task<Result<json::value>> task, std::optional<Result<json::value>>* out) {
  out->emplace(co_await std::move(task));
}

TEST(ObjectLimits, AKindHasSoManyObjects) {
  FakeClock clock;
  io::SimulatedLoop loop(clock);
  SeededRandom random(7);
  storage::SqliteOptions options;
  options.path = ":memory:";
  options.inline_execution = true;
  const auto store = std::move(*storage::SqliteStore::open(options, clock));
  const KindRegistry kinds = std::move(*KindRegistry::builtin());
  ObjectCache cache(loop, *store, kinds);
  ObjectApi api(kinds, *store, cache, clock, random, {.max_objects = 1});
  io::TaskGroup group(loop);
  loop.run_until_done(
      [](ObjectCache& c) -> io::Task<void> { EXPECT_TRUE((co_await c.start()).ok()); }(cache));
  group.spawn(cache.run());
  Client client(api, "test");
  const auto make = [&](const char* name) {
    std::optional<Result<json::value>> out;
    loop.run_until_done(
        keep(client.create("usergroups", json::object{{"apiVersion", "roadstead.io/v1alpha1"},
                                                      {"kind", "UserGroup"},
                                                      {"metadata", json::object{{"name", name}}},
                                                      {"spec", json::object()}}),
             &out));
    return std::move(*out);
  };
  EXPECT_TRUE(make("one").ok());
  const auto second = make("two");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message(),
            "the hub holds 1 usergroups, which is its limit. Delete some first");
  cache.close();
  loop.run_until_done(group.join());
}

}  // namespace
}  // namespace roadstead::objects
