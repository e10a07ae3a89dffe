// SPDX-License-Identifier: Apache-2.0
// The object API as requests and answers, on a simulated loop with a store in memory.
#include "objects/service.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "objects/builtin_rules.h"
#include "objects/client.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kBase = "/apis/roadstead.io/v1alpha1";
constexpr std::string_view kTable = "application/json;as=Table;v=v1;g=meta.k8s.io";

class Registration final : public Subresource {
 public:
  std::string_view kind() const override { return "ClusterRegistration"; }
  std::vector<std::string> verbs() const override { return {"create"}; }
  io::Task<Result<json::value>> serve(SubresourceRequest request) override {
    json::object out{{"kind", "ClusterRegistration"}};
    out["for"] = kube::name_of(request.parent);
    out["by"] = request.context.username;
    co_return json::value(std::move(out));
  }
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() : loop_(clock_), random_(7) {
    storage::SqliteOptions options;
    options.path = ":memory:";
    options.inline_execution = true;
    store_ = std::move(*storage::SqliteStore::open(options, clock_));
    kinds_ = std::move(*KindRegistry::builtin());
    cache_ = std::make_unique<ObjectCache>(loop_, *store_, kinds_);
    api_ = std::make_unique<ObjectApi>(kinds_, *store_, *cache_, clock_, random_);
    add_builtin_rules(*api_);
    api_->add_subresource("clusters", "registration", std::make_unique<Registration>());
    service_ = std::make_unique<ObjectService>(*api_, ServiceOptions{});
    EXPECT_TRUE(loop_.wait_for(cache_->start()).ok());
    group_.spawn(cache_->run());
  }
  ~ServiceTest() override {
    cache_->close();
    loop_.run_until_done(group_.join());
  }

  ApiResponse request(std::string method, std::string path, std::string body = "",
                      std::string content_type = "application/json", std::string accept = "") {
    ApiRequest r;
    r.context.username = "ann";
    r.method = std::move(method);
    r.target = path.starts_with("/") && !path.starts_with("/apis") &&
                       !path.starts_with("/openapi") && !path.starts_with("/version") &&
                       !path.starts_with("/readyz")
                   ? std::string(kBase) + path
                   : path;
    r.body = std::move(body);
    r.content_type = std::move(content_type);
    r.accept = std::move(accept);
    return loop_.wait_for(service_->handle(std::move(r)));
  }
  static json::value parse(const std::string& text) {
    auto parsed = codec::parse_json(text);
    CHECK(parsed.ok(), text);
    return std::move(*parsed);
  }
  static std::string cluster(const std::string& name, const std::string& more = "") {
    return R"({"apiVersion":"roadstead.io/v1alpha1","kind":"Cluster","metadata":{"name":")" + name +
           R"("},"spec":{)" + more + "}}";
  }
  json::value create(const std::string& name, const std::string& more = "") {
    const ApiResponse made = request("POST", "/clusters", cluster(name, more));
    EXPECT_EQ(made.status, 201) << made.body;
    return parse(made.body);
  }
  static std::string message(const ApiResponse& r) {
    return std::string(codec::string_at(parse(r.body), {"message"}));
  }

  FakeClock clock_;
  io::SimulatedLoop loop_;
  SeededRandom random_;
  std::unique_ptr<storage::SqliteStore> store_;
  KindRegistry kinds_;
  std::unique_ptr<ObjectCache> cache_;
  std::unique_ptr<ObjectApi> api_;
  std::unique_ptr<ObjectService> service_;
  io::TaskGroup group_{loop_};
};

TEST_F(ServiceTest, CreatesWithDefaultsAndMetadata) {
  const json::value made = create("ack", R"("provider":"x")");
  EXPECT_EQ(codec::int_at(made, {"spec", "agent", "replicas"}), 2);
  EXPECT_EQ(kube::generation_of(made), 1);
  EXPECT_EQ(kube::uid_of(made).size(), 36U);
  EXPECT_EQ(kube::resource_version_of(made), "2");
  const ApiResponse again = request("POST", "/clusters", cluster("ack"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(message(again), "clusters.roadstead.io \"ack\" already exists");
}

TEST_F(ServiceTest, OnlySpecMovesTheGenerationAndStatusIsItsOwn) {
  create("ack");
  const std::string merge = "application/merge-patch+json";
  const auto generation = [&] {
    return kube::generation_of(parse(request("GET", "/clusters/ack").body));
  };
  request("PATCH", "/clusters/ack", R"({"metadata":{"labels":{"a":"b"}}})", merge);
  EXPECT_EQ(generation(), 1);
  request("PATCH", "/clusters/ack", R"({"status":{"phase":"Running"}})", merge);
  EXPECT_EQ(codec::find(parse(request("GET", "/clusters/ack").body), {"status"}), nullptr);
  EXPECT_EQ(request("PATCH", "/clusters/ack/status",
                    R"({"status":{"phase":"Running"},"spec":{"provider":"no"}})", merge)
                .status,
            200);
  json::value now = parse(request("GET", "/clusters/ack").body);
  EXPECT_EQ(codec::string_at(now, {"status", "phase"}), "Running");
  EXPECT_EQ(codec::string_at(now, {"spec", "provider"}), "");
  EXPECT_EQ(generation(), 1);
  request("PATCH", "/clusters/ack", R"({"spec":{"provider":"yes"}})", merge);
  EXPECT_EQ(generation(), 2);
}

TEST_F(ServiceTest, AnUpdateThatChangesNothingMakesNoVersion) {
  const json::value made = create("ack");
  const ApiResponse same = request("PUT", "/clusters/ack", codec::write_json(made));
  EXPECT_EQ(same.status, 200);
  EXPECT_EQ(parse(same.body), made);
}

TEST_F(ServiceTest, LocksOptimistically) {
  json::value made = create("ack");
  json::value changed = made;
  changed.as_object()["spec"].as_object()["provider"] = "a";
  EXPECT_EQ(request("PUT", "/clusters/ack", codec::write_json(changed)).status, 200);
  const ApiResponse stale = request("PUT", "/clusters/ack", codec::write_json(changed));
  EXPECT_EQ(stale.status, 409);
  EXPECT_NE(message(stale).find("the object has been modified"), std::string::npos);
}

TEST_F(ServiceTest, TellsAboutUnknownFieldsAsAsked) {
  const std::string body = cluster("ack", R"("foo":1)");
  const ApiResponse strict = request("POST", "/clusters?fieldValidation=Strict", body);
  EXPECT_EQ(strict.status, 400);
  EXPECT_NE(message(strict).find("strict decoding error: unknown field \"spec.foo\""),
            std::string::npos);
  const ApiResponse warned = request("POST", "/clusters?dryRun=All", body);
  EXPECT_EQ(warned.status, 201);
  ASSERT_EQ(warned.headers.size(), 1U);
  EXPECT_EQ(warned.headers[0].second, "299 - \"unknown field \\\"spec.foo\\\"\"");
  EXPECT_EQ(request("GET", "/clusters/ack").status, 404);
  EXPECT_TRUE(request("POST", "/clusters?fieldValidation=Ignore", body).headers.empty());
}

TEST_F(ServiceTest, RefusesBadObjectsByField) {
  const ApiResponse bad =
      request("POST", "/clusters", cluster("ack", R"("agent":{"replicas":9},"paused":"x")"));
  EXPECT_EQ(bad.status, 422);
  const json::value status = parse(bad.body);
  ASSERT_NE(codec::find(status, {"details", "causes"}), nullptr);
  EXPECT_EQ(codec::find(status, {"details", "causes"})->as_array().size(), 2U);
  EXPECT_EQ(request("POST", "/clusters", cluster("a.b")).status, 422);  // our rule: a DNS label
}

TEST_F(ServiceTest, NamesWhatHasNoName) {
  const std::string body =
      R"({"apiVersion":"roadstead.io/v1alpha1","kind":"Cluster","metadata":{"generateName":"c-"},"spec":{}})";
  const json::value a = parse(request("POST", "/clusters", body).body);
  const json::value b = parse(request("POST", "/clusters", body).body);
  EXPECT_TRUE(kube::name_of(a).starts_with("c-"));
  EXPECT_NE(kube::name_of(a), kube::name_of(b));
}

TEST_F(ServiceTest, PagesAreOneSnapshot) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    create(name);
  }
  json::value page = parse(request("GET", "/clusters?limit=2").body);
  EXPECT_EQ(codec::int_at(page, {"metadata", "remainingItemCount"}), 3);
  std::string token(codec::string_at(page, {"metadata", "continue"}));
  request("DELETE", "/clusters/d");
  create("f");
  std::string names;
  while (!token.empty()) {
    page = parse(request("GET", "/clusters?limit=2&continue=" + token).body);
    for (const json::value& item : codec::find(page, {"items"})->as_array()) {
      names += kube::name_of(item);
    }
    token = codec::string_at(page, {"metadata", "continue"});
  }
  EXPECT_EQ(names, "cde");
  EXPECT_EQ(request("GET", "/clusters?continue=zzz").status, 400);
}

TEST_F(ServiceTest, AnOldPageIsGone) {
  create("a");
  create("b");
  const json::value page = parse(request("GET", "/clusters?limit=1").body);
  const std::string token(codec::string_at(page, {"metadata", "continue"}));
  create("c");
  clock_.advance(std::chrono::minutes(6));
  create("d");  // beside a write the store forgets what it may
  clock_.advance(std::chrono::minutes(6));
  create("e");
  EXPECT_EQ(request("GET", "/clusters?continue=" + token).status, 410);
}

TEST_F(ServiceTest, SelectsByLabelAndField) {
  request(
      "POST", "/clusters",
      R"({"apiVersion":"roadstead.io/v1alpha1","kind":"Cluster","metadata":{"name":"a","labels":{"env":"prod"}},"spec":{}})");
  create("b");
  const auto count = [&](const std::string& query) {
    return codec::find(parse(request("GET", "/clusters?" + query).body), {"items"})
        ->as_array()
        .size();
  };
  EXPECT_EQ(count("labelSelector=env%3Dprod"), 1U);
  EXPECT_EQ(count("labelSelector=env!%3Dprod"), 1U);
  EXPECT_EQ(count("labelSelector=env+in+(prod,test)"), 1U);
  EXPECT_EQ(count("labelSelector=!env"), 1U);
  EXPECT_EQ(count("fieldSelector=metadata.name%3Db"), 1U);
  EXPECT_EQ(request("GET", "/clusters?fieldSelector=spec.x%3D1").status, 400);
}

TEST_F(ServiceTest, FinalizersHoldAnObject) {
  request(
      "POST", "/clusters",
      R"({"apiVersion":"roadstead.io/v1alpha1","kind":"Cluster","metadata":{"name":"a","finalizers":["x.io/y"]},"spec":{}})");
  const ApiResponse marked = request("DELETE", "/clusters/a");
  EXPECT_NE(codec::find(parse(marked.body), {"metadata", "deletionTimestamp"}), nullptr);
  EXPECT_EQ(request("GET", "/clusters/a").status, 200);
  request("PATCH", "/clusters/a", R"({"metadata":{"finalizers":null}})",
          "application/merge-patch+json");
  EXPECT_EQ(request("GET", "/clusters/a").status, 404);
}

TEST_F(ServiceTest, DeletesOnlyWhatWasMeant) {
  const json::value made = create("a");
  EXPECT_EQ(request("DELETE", "/clusters/a", R"({"preconditions":{"uid":"x"}})").status, 409);
  EXPECT_EQ(request("DELETE", "/clusters/a?dryRun=All").status, 200);
  EXPECT_EQ(request("GET", "/clusters/a").status, 200);
  const std::string uid(kube::uid_of(made));
  EXPECT_EQ(
      request("DELETE", "/clusters/a", R"({"preconditions":{"uid":")" + uid + R"("}})").status,
      200);
  EXPECT_EQ(request("DELETE", "/clusters/a").status, 404);
}

TEST_F(ServiceTest, ShowsTables) {
  create("a", R"("provider":"me")");
  clock_.advance(std::chrono::seconds(125));
  const json::value table = parse(request("GET", "/clusters", "", "", std::string(kTable)).body);
  EXPECT_EQ(codec::string_at(table, {"kind"}), "Table");
  const json::value& row = codec::find(table, {"rows"})->as_array().at(0);
  const json::array& cells = row.at("cells").as_array();
  EXPECT_EQ(cells.at(0), json::value("a"));
  EXPECT_EQ(cells.at(4), json::value("me"));
  EXPECT_EQ(cells.back(), json::value("2m5s"));
  EXPECT_EQ(row.at("object").at("kind"), json::value("PartialObjectMetadata"));
}

TEST_F(ServiceTest, RevokedStaysRevoked) {
  const std::string body =
      R"({"apiVersion":"roadstead.io/v1alpha1","kind":"Credential","metadata":{"name":"c"},"spec":{"username":"ann","request":"aGk="}})";
  EXPECT_EQ(request("POST", "/credentials", body).status, 201);
  const std::string merge = "application/merge-patch+json";
  EXPECT_EQ(request("PATCH", "/credentials/c", R"({"spec":{"username":"bob"}})", merge).status,
            422);
  EXPECT_EQ(request("PATCH", "/credentials/c", R"({"spec":{"revoked":true}})", merge).status, 200);
  const ApiResponse back =
      request("PATCH", "/credentials/c", R"({"spec":{"revoked":false}})", merge);
  EXPECT_EQ(back.status, 422);
  EXPECT_NE(message(back).find("spec.revoked: Forbidden"), std::string::npos);
}

TEST_F(ServiceTest, ServesSubresourcesOfOthers) {
  create("a");
  const ApiResponse made = request("POST", "/clusters/a/registration");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(codec::string_at(parse(made.body), {"by"}), "ann");
  EXPECT_EQ(request("GET", "/clusters/a/registration").status, 405);
  EXPECT_EQ(request("POST", "/clusters/nope/registration").status, 404);
  EXPECT_NE(request("GET", std::string(kBase)).body.find("clusters/registration"),
            std::string::npos);
}

class WatchTest : public ServiceTest {
 protected:
  std::unique_ptr<WatchStream> watch(const std::string& query, std::string accept = "") {
    ApiResponse r = request("GET", "/clusters?watch=1&" + query, "", "", std::move(accept));
    EXPECT_EQ(r.status, 200) << r.body;
    return std::move(r.watch);
  }
  // Types and names of the next events: "ADDED a, BOOKMARK ".
  std::string next(WatchStream& stream) {
    std::string out;
    const std::string lines = loop_.wait_for(stream.next());
    std::size_t start = 0;
    for (std::size_t end; (end = lines.find('\n', start)) != std::string::npos; start = end + 1) {
      const json::value event = parse(lines.substr(start, end - start));
      out += (out.empty() ? "" : ", ") + std::string(codec::string_at(event, {"type"})) + " " +
             std::string(codec::string_at(event, {"object", "metadata", "name"}));
    }
    return out;
  }
};

TEST_F(WatchTest, ShowsWhatIsThereAndWhatComes) {
  create("a");
  auto stream = watch("timeoutSeconds=60");
  EXPECT_EQ(next(*stream), "ADDED a");
  create("b");
  request("DELETE", "/clusters/a");
  EXPECT_EQ(next(*stream), "ADDED b, DELETED a");
  EXPECT_EQ(next(*stream), "");  // its time is over
}

TEST_F(WatchTest, GoesOnFromAVersion) {
  create("a");
  create("b");
  auto stream = watch("resourceVersion=2&timeoutSeconds=5");
  EXPECT_EQ(next(*stream), "ADDED b");
}

TEST_F(WatchTest, InitialEventsEndWithABookmark) {
  create("a");
  auto stream = watch(
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&"
      "timeoutSeconds=90");
  const std::string lines = loop_.wait_for(stream->next());
  EXPECT_NE(lines.find("k8s.io/initial-events-end"), std::string::npos);
  EXPECT_EQ(next(*stream), "BOOKMARK ");
  EXPECT_EQ(next(*stream), "");
}

TEST_F(WatchTest, AnObjectThatLeavesTheSelectionIsDeleted) {
  request(
      "POST", "/clusters",
      R"({"apiVersion":"roadstead.io/v1alpha1","kind":"Cluster","metadata":{"name":"a","labels":{"env":"prod"}},"spec":{}})");
  auto stream = watch("labelSelector=env%3Dprod&timeoutSeconds=60");
  EXPECT_EQ(next(*stream), "ADDED a");
  const std::string merge = "application/merge-patch+json";
  request("PATCH", "/clusters/a", R"({"metadata":{"labels":{"env":"test"}}})", merge);
  EXPECT_EQ(next(*stream), "DELETED a");
  request("PATCH", "/clusters/a", R"({"metadata":{"labels":{"env":"prod"}}})", merge);
  EXPECT_EQ(next(*stream), "ADDED a");
}

TEST_F(WatchTest, TooOldIsAnExpiredEvent) {
  create("a");
  for (int i = 0; i < 4200; ++i) {  // more than the store keeps at hand
    request("PATCH", "/clusters/a", R"({"spec":{"provider":"p)" + std::to_string(i) + R"("}})",
            "application/merge-patch+json");
  }
  clock_.advance(std::chrono::minutes(6));
  create("c");
  clock_.advance(std::chrono::minutes(6));
  for (const char* name : {"d", "e", "f", "g"}) {
    create(name);  // each forgets a part of what may be forgotten
  }
  ObjectCache fresh(loop_, *store_, kinds_);
  ASSERT_TRUE(loop_.wait_for(fresh.start()).ok());
  ObjectApi api(kinds_, *store_, fresh, clock_, random_);
  WatchOptions options;
  options.resource_version = "1";
  auto opened = loop_.wait_for(
      Watch::open(api, *kinds_.find("roadstead.io", "v1alpha1", "clusters"), options));
  ASSERT_TRUE(opened.ok());
  const auto events = loop_.wait_for((*opened)->next());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].type, WatchEventType::Error);
  EXPECT_EQ(kube::status_of(*events[0].error).code, 410);
  EXPECT_TRUE(loop_.wait_for((*opened)->next()).empty());
}

TEST_F(WatchTest, TablesCarryHeadersOnce) {
  create("a");
  auto stream = watch("timeoutSeconds=60", std::string(kTable));
  const json::value first = parse(loop_.wait_for(stream->next()));
  EXPECT_TRUE(first.at("object").at("columnDefinitions").is_array());
  create("b");
  const json::value second = parse(loop_.wait_for(stream->next()));
  EXPECT_TRUE(second.at("object").at("columnDefinitions").is_null());
}

TEST_F(WatchTest, MemoryOfTheLatestEventsIsBounded) {
  create("a");
  const std::string merge = "application/merge-patch+json";
  auto slow = watch("timeoutSeconds=60");
  EXPECT_EQ(next(*slow), "ADDED a");
  for (int i = 0; i < 5000; ++i) {
    request("PATCH", "/clusters/a", R"({"spec":{"provider":"p)" + std::to_string(i) + R"("}})",
            merge);
  }
  // It fell behind what is in memory and catches up from the store, losing nothing.
  std::size_t seen = 0;
  while (seen < 5000) {
    const std::string lines = loop_.wait_for(slow->next());
    ASSERT_FALSE(lines.empty());
    seen += static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
  }
  EXPECT_EQ(seen, 5000U);
}

TEST_F(ServiceTest, DescribesItself) {
  EXPECT_EQ(request("GET", "/readyz").body, "ok");
  EXPECT_NE(request("GET", "/apis").body.find("roadstead.io"), std::string::npos);
  const ApiResponse aggregated =
      request("GET", "/apis", "", "",
              "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io");
  EXPECT_EQ(codec::string_at(parse(aggregated.body), {"kind"}), "APIGroupDiscoveryList");
  const ApiResponse v3 = request("GET", "/openapi/v3/apis/roadstead.io/v1alpha1");
  EXPECT_NE(v3.body.find("io.roadstead.v1alpha1.Cluster"), std::string::npos);
  EXPECT_EQ(request("GET", "/apis/other.io/v1/things").status, 404);
}

TEST_F(ServiceTest, TheClientIsTheSameApi) {
  Client client(*api_, "test");
  auto made = loop_.wait_for(client.create("clusters", parse(cluster("a"))));
  ASSERT_TRUE(made.ok());
  auto patched = loop_.wait_for(
      client.patch_status("clusters", "a", parse(R"({"status":{"phase":"Pending"}})")));
  ASSERT_TRUE(patched.ok());
  EXPECT_EQ(codec::string_at(*patched, {"status", "phase"}), "Pending");
  EXPECT_EQ(loop_.wait_for(client.update_status("clusters", *made)).error().kind(),
            ErrorKind::Conflict);
  EXPECT_EQ(loop_.wait_for(client.list("clusters"))->items.size(), 1U);
  EXPECT_TRUE(loop_.wait_for(client.remove("clusters", "a")).ok());
  EXPECT_EQ(loop_.wait_for(client.get("clusters", "a")).error().kind(), ErrorKind::NotFound);
}

io::Task<Result<void>> nobody(const RequestContext& context, const kube::RequestInfo& info) {
  if (context.username == "ann" && info.verb != "get") {
    co_return kube::forbidden({info.group, info.resource}, info.name, "ann may only look");
  }
  co_return Result<void>();
}

TEST_F(ServiceTest, AsksWhetherItMay) {
  service_ = std::make_unique<ObjectService>(*api_, ServiceOptions{.authorize = nobody});
  const ApiResponse refused = request("POST", "/clusters", cluster("a"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(message(refused), "clusters.roadstead.io is forbidden: ann may only look");
  EXPECT_EQ(request("GET", "/clusters/a").status, 404);
}

}  // namespace
}  // namespace roadstead::objects
