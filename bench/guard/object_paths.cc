// SPDX-License-Identifier: Apache-2.0
// Writes of the object API, from the text of a request's body to the cache, with a store in memory
// and everything on one thread.
#include <string>

#include "base/random.h"
#include "codec/json.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "objects/object_api.h"
#include "storage/sqlite/sqlite_store.h"
#include "work.h"

namespace roadstead::bench {
namespace {

constexpr const char* kPatch =
    R"({"spec":{"displayName":"Ann Other"},"metadata":{"labels":{"round":"%"}}})";

std::unique_ptr<storage::SqliteStore> open_store(const Clock& clock) {
  storage::SqliteOptions options;
  options.path = ":memory:";
  options.inline_execution = true;
  auto store = storage::SqliteStore::open(std::move(options), clock);
  CHECK(store.ok(), store.error().to_string());
  return std::move(*store);
}

objects::KindRegistry builtin_kinds() {
  auto kinds = objects::KindRegistry::builtin();
  CHECK(kinds.ok(), kinds.error().to_string());
  return std::move(*kinds);
}

class ObjectWork : public Work {
 public:
  ObjectWork() {
    const auto started = loop_.wait_for(cache_.start());
    CHECK(started.ok(), started.error().to_string());
    tasks_.spawn(cache_.run());
  }
  ~ObjectWork() override {
    cache_.close();
    loop_.run_until_done(tasks_.join());
  }

 protected:
  static codec::json::value parse(const std::string& text) {
    auto parsed = codec::parse_json(text);
    CHECK(parsed.ok(), parsed.error().to_string());
    return std::move(*parsed);
  }
  void create_user(const std::string& name) {
    const auto written = loop_.wait_for(api_.create(
        context_, users_, "",
        parse(R"({"apiVersion":"roadstead.io/v1alpha1","kind":"User","metadata":{"name":")" + name +
              R"(","labels":{"team":"payments"}},"spec":{"displayName":"Ann Example",)"
              R"("groups":["on-call","payments"]}})"),
        {}));
    CHECK(written.ok(), written.error().to_string());
  }
  void patch_user(const std::string& name, const std::string& round) {
    std::string text = kPatch;
    text.replace(text.find('%'), 1, round);
    const auto written = loop_.wait_for(
        api_.patch(context_, users_, {"", name}, objects::PatchType::Merge, parse(text), {}));
    CHECK(written.ok(), written.error().to_string());
  }

 private:
  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  SeededRandom random_{7};
  std::unique_ptr<storage::SqliteStore> store_ = open_store(clock_);
  objects::KindRegistry kinds_ = builtin_kinds();
  objects::ObjectCache cache_{loop_, *store_, kinds_};
  objects::ObjectApi api_{kinds_, *store_, cache_, clock_, random_};
  const objects::Kind& users_ = *kinds_.find("roadstead.io", "v1alpha1", "users");
  objects::RequestContext context_ = objects::service_context("bench");
  io::TaskGroup tasks_{loop_};
};

class Create final : public ObjectWork {
 public:
  void run(int units) override {
    for (int i = 0; i < units; ++i) {
      create_user("user-" + std::to_string(made_++));
    }
  }

 private:
  int made_ = 1000;
};

class Patch final : public ObjectWork {
 public:
  Patch() { create_user("ann"); }
  void run(int units) override {
    for (int i = 0; i < units; ++i) {
      patch_user("ann", std::to_string(round_++));
    }
  }

 private:
  int round_ = 1000;
};

constexpr HotPath kPaths[] = {
    {"object-create", "object", 128, prepare<Create>},
    {"object-patch", "patch", 128, prepare<Patch>},
};

}  // namespace

std::span<const HotPath> object_paths() { return kPaths; }

}  // namespace roadstead::bench
