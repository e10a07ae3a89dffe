// SPDX-License-Identifier: Apache-2.0
// Namespaces on a simulated loop with a store in memory: their life, and what may be made in them.
#include "objects/namespaces.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/yaml.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "kube/status.h"
#include "objects/client.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kNotes = R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: notes.test.io}
spec:
  group: test.io
  scope: Namespaced
  names: {plural: notes, singular: note, kind: Note}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}
)";

class NamespacesTest : public testing::Test {
 protected:
  NamespacesTest() : loop_(clock_), random_(7) {
    storage::SqliteOptions options;
    options.path = ":memory:";
    options.inline_execution = true;
    store_ = std::move(*storage::SqliteStore::open(options, clock_));
    kinds_ = std::move(*KindRegistry::builtin());
    EXPECT_TRUE(kinds_.add(std::move(*parse_kind(codec::parse_yaml(kNotes)->front()))).ok());
    cache_ = std::make_unique<ObjectCache>(loop_, *store_, kinds_);
    api_ = std::make_unique<ObjectApi>(kinds_, *store_, *cache_, clock_, random_);
    EXPECT_TRUE(loop_.wait_for(cache_->start()).ok());
    group_.spawn(cache_->run());
  }
  ~NamespacesTest() override {
    cache_->close();
    loop_.run_until_done(group_.join());
  }

  Result<json::value> make_namespace(std::string_view name) {
    return loop_.wait_for(
        client_().create("namespaces", json::object{{"apiVersion", "v1"},
                                                    {"kind", "Namespace"},
                                                    {"metadata", json::object{{"name", name}}}}));
  }
  Result<json::value> make_note(std::string_view place, std::string_view name) {
    return loop_.wait_for(client_().create(
        "notes", json::object{{"apiVersion", "test.io/v1"},
                              {"kind", "Note"},
                              {"metadata", json::object{{"name", name}, {"namespace", place}}}}));
  }
  Client client_() { return Client(*api_, "test"); }

  FakeClock clock_;
  io::SimulatedLoop loop_;
  SeededRandom random_;
  std::unique_ptr<storage::SqliteStore> store_;
  KindRegistry kinds_;
  std::unique_ptr<ObjectCache> cache_;
  std::unique_ptr<ObjectApi> api_;
  io::TaskGroup group_{loop_};
};

TEST_F(NamespacesTest, TheDefaultIsMadeOnceAndStays) {
  EXPECT_TRUE(loop_.wait_for(ensure_default_namespace(*api_)).ok());
  const auto first = loop_.wait_for(client_().get("namespaces", "default"));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(codec::string_at(*first, {"status", "phase"}), "Active");
  EXPECT_EQ(kube::label(*first, "kubernetes.io/metadata.name"), "default");
  EXPECT_TRUE(loop_.wait_for(ensure_default_namespace(*api_)).ok());
  EXPECT_EQ(kube::uid_of(*loop_.wait_for(client_().get("namespaces", "default"))),
            kube::uid_of(*first));
  const auto removed = loop_.wait_for(client_().remove("namespaces", "default"));
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().message(),
            "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

TEST_F(NamespacesTest, ObjectsNeedANamespaceThatIsThere) {
  const auto nowhere = make_note("shop", "a");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().message(), "namespaces \"shop\" not found");
  ASSERT_TRUE(make_namespace("shop").ok());
  EXPECT_TRUE(make_note("shop", "a").ok());
}

TEST_F(NamespacesTest, GoesWhenItHasBeenEmptiedAndFinalized) {
  ASSERT_TRUE(make_namespace("shop").ok());
  ASSERT_TRUE(make_note("shop", "a").ok());
  ASSERT_TRUE(loop_.wait_for(client_().remove("namespaces", "shop")).ok());
  json::value going = *loop_.wait_for(client_().get("namespaces", "shop"));
  EXPECT_TRUE(is_terminating(going));
  EXPECT_FALSE(is_finalized(going));
  const auto late = make_note("shop", "b");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(kube::status_of(late.error()).causes.at(0).reason, "NamespaceTerminating");
  EXPECT_TRUE(loop_.wait_for(client_().remove("notes", kube::ObjectKey{"shop", "a"})).ok());
  going.at("spec").as_object().erase("finalizers");
  EXPECT_TRUE(loop_.wait_for(client_().finalize(going)).ok());
  EXPECT_EQ(loop_.wait_for(client_().get("namespaces", "shop")).error().kind(),
            ErrorKind::NotFound);
}

TEST_F(NamespacesTest, AnUpdateTakesNoFinalizerAway) {
  json::value made = *make_namespace("shop");
  made.at("spec").as_object().erase("finalizers");
  made.at("status").as_object()["phase"] = "Terminating";
  const auto updated = loop_.wait_for(client_().update("namespaces", made));
  ASSERT_TRUE(updated.ok());
  EXPECT_FALSE(is_finalized(*updated));
  EXPECT_FALSE(is_terminating(*updated));
}

}  // namespace
}  // namespace roadstead::objects
