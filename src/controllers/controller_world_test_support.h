// SPDX-License-Identifier: Apache-2.0
// The hub's object API on a simulated loop with a store in memory, for tests of controllers: the
// kinds of the program, and `Thing` (cluster-scoped) and `Part` (namespaced) of the group test.io.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "codec/yaml.h"
#include "io/simulated_loop.h"
#include "kube/controller/parts.h"
#include "objects/object_transport.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead::controllers {

class ControllerWorld {
 public:
  ControllerWorld() {
    storage::SqliteOptions options;
    options.path = ":memory:";
    options.inline_execution = true;
    store_ = std::move(*storage::SqliteStore::open(options, clock));
    kinds_ = std::move(*objects::KindRegistry::builtin());
    add_kind("things", "Thing", "Cluster");
    add_kind("parts", "Part", "Namespaced");
    cache_ = std::make_unique<objects::ObjectCache>(loop, *store_, kinds_);
    api = std::make_unique<objects::ObjectApi>(kinds_, *store_, *cache_, clock, random);
    transport = std::make_unique<objects::ObjectTransport>(*api, "test");
    CHECK(loop.wait_for(cache_->start()).ok(), "the cache did not start");
    group_.spawn(cache_->run());
  }
  ~ControllerWorld() {
    transport->close();
    cache_->close();
    loop.run_until_done(group_.join());
  }

  void settle() { loop.run_for(std::chrono::seconds(2)); }

  static kube::Resource things() { return {"test.io", "v1", "things", false}; }
  static kube::Resource parts_of() { return {"test.io", "v1", "parts", true}; }
  static kube::Resource namespaces() { return {"", "v1", "namespaces", false}; }

  boost::json::value create(const kube::Resource& resource, boost::json::value object) {
    auto made = loop.wait_for(transport->create(resource, std::move(object)));
    CHECK(made.ok(), made.error().to_string());
    return std::move(*made);
  }
  // The object, or null.
  boost::json::value get(const kube::Resource& resource, kube::ObjectKey key) {
    auto object = loop.wait_for(transport->get(resource, std::move(key)));
    return object.ok() ? std::move(*object) : boost::json::value();
  }
  bool there(const kube::Resource& resource, kube::ObjectKey key) {
    return !get(resource, std::move(key)).is_null();
  }
  Result<void> remove(const kube::Resource& resource, kube::ObjectKey key,
                      kube::Propagation propagation = kube::Propagation::Background) {
    kube::RemoveOptions options;
    options.propagation = propagation;
    return loop.wait_for(transport->remove(resource, std::move(key), std::move(options)));
  }
  Result<boost::json::value> patch(const kube::Resource& resource, kube::ObjectKey key,
                                   boost::json::value change) {
    return loop.wait_for(transport->patch(resource, std::move(key), std::move(change), ""));
  }
  void make_namespace(const std::string& name) {
    if (kinds_.find_kind("", "Namespace") == nullptr) {
      return;
    }
    create(namespaces(),
           {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
  }
  const objects::KindRegistry& kinds() const { return kinds_; }

  FakeClock clock;
  io::SimulatedLoop loop{clock};
  SeededRandom random{7};
  telemetry::MetricRegistry metrics;
  const kube::ControllerParts parts{loop, random, metrics, {}};
  std::unique_ptr<objects::ObjectApi> api;
  std::unique_ptr<objects::ObjectTransport> transport;
  io::TaskGroup tasks{loop};  // of the controllers under test, which stop and join it

 private:
  void add_kind(const std::string& plural, const std::string& kind, const std::string& scope) {
    const auto documents = codec::parse_yaml(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: " +
        plural +
        ".test.io}\n"
        "spec:\n  group: test.io\n  scope: " +
        scope +
        "\n"
        "  names: {plural: " +
        plural + ", singular: " + plural + "x, kind: " + kind +
        "}\n"
        "  versions:\n  - name: v1\n    served: true\n    storage: true\n"
        "    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, "
        "x-kubernetes-preserve-unknown-fields: true}}}}\n");
    CHECK(documents.ok(), "the test's kind is no YAML");
    auto parsed = objects::parse_kind(documents->front());
    CHECK(parsed.ok(), parsed.ok() ? "" : parsed.error().to_string());
    CHECK(kinds_.add(std::move(*parsed)).ok(), "the test's kind is taken");
  }

  std::unique_ptr<storage::SqliteStore> store_;
  objects::KindRegistry kinds_;
  std::unique_ptr<objects::ObjectCache> cache_;
  io::TaskGroup group_{loop};
};

}  // namespace roadstead::controllers
