// SPDX-License-Identifier: Apache-2.0
// What is asked of an API server, and how its answers are read, piece by piece.
#include "kube/rest/rest_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "io/simulated_loop.h"
#include "kube/rest/rest_watch.h"

namespace roadstead::kube {
namespace {

using std::chrono::seconds;

struct Canned {
  int status = 200;
  std::vector<std::string> pieces;
  bool breaks = false;  // after the pieces, instead of an end
  bool hangs = false;   // likewise
};

class CannedExchange final : public http::ClientExchange {
 public:
  CannedExchange(io::Executor& executor, Canned canned, std::string* body)
      : canned_(std::move(canned)), body_(body), reset_(executor) {}
  io::Task<Result<void>> write(std::string_view bytes) override {
    *body_ += bytes;
    co_return Result<void>();
  }
  io::Task<Result<void>> finish(http::Headers) override { co_return Result<void>(); }
  io::Task<Result<http::ResponseHead>> response() override {
    co_return http::ResponseHead{canned_.status, {}};
  }
  io::Task<Result<std::string>> read() override {
    if (next_ < canned_.pieces.size()) {
      co_return canned_.pieces[next_++];
    }
    if (canned_.hangs) {
      co_await reset_.wait();
      co_return Error(ErrorKind::Cancelled, "reset");
    }
    if (canned_.breaks) {
      co_return Error(ErrorKind::Network, "connection reset");
    }
    co_return std::string();
  }
  const http::Headers& trailers() const override { return none_; }
  bool not_processed() const override { return false; }
  void reset() override { reset_.set(); }

 private:
  Canned canned_;
  std::string* body_;
  io::Event reset_;
  std::size_t next_ = 0;
  http::Headers none_;
};

class RestTest : public testing::Test, private Exchanger {
 protected:
  // What next() gives until there is no more; an error ends it in words.
  std::vector<std::string> events(Canned canned) {
    answer_ = std::move(canned);
    auto watch = loop_.wait_for(transport_.watch({kPods, {}, "7", seconds(300)}));
    EXPECT_TRUE(watch.ok());
    std::vector<std::string> out;
    for (;;) {
      auto next = loop_.wait_for((*watch)->next());
      if (!next.ok()) {
        out.push_back(next.error().to_string());
        return out;
      }
      if (next->empty()) {
        return out;
      }
      for (const WatchEvent& event : *next) {
        out.emplace_back(name_of(event.object));
      }
    }
  }
  static std::string line(const std::string& name) {
    return R"({"type":"ADDED","object":{"metadata":{"name":")" + name + "\"}}}\n";
  }

  const Resource kPods{"", "v1", "pods", true};
  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  RestTransport transport_{loop_, *this};
  Canned answer_;
  std::string asked_;
  std::string accept_;
  std::string body_;

 private:
  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool, bool,
                                                 Deadline) override {
    asked_ = head.method + " " + head.target;
    accept_ = *head.headers.find("accept");
    body_.clear();
    co_return std::make_unique<CannedExchange>(loop_, answer_, &body_);
  }
};

TEST_F(RestTest, ListsAsClientGoDoes) {
  answer_ = {.pieces = {R"({"apiVersion":"v1","kind":"PodList","metadata":{"resourceVersion":"9",)",
                        R"("continue":"t"},"items":[{"metadata":{"name":"a","managedFields":[]},)",
                        R"("spec":{}}]})"}};
  ListRequest request{kPods, {"n s", "a=b,c", "", true}, 5, "x/y"};
  const auto page = loop_.wait_for(transport_.list(request));
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(asked_,
            "GET /api/v1/namespaces/n%20s/pods?labelSelector=a%3Db%2Cc&limit=5&continue=x%2Fy");
  EXPECT_EQ(accept_, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
  EXPECT_EQ(page->resource_version, "9");
  EXPECT_EQ(page->continue_token, "t");
  EXPECT_EQ(codec::write_json(page->items.at(0)),
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}})");
}

TEST_F(RestTest, ReadsEventsHoweverTheyAreCut) {
  const std::string all = line("a") + line("b") + line("c");
  for (std::size_t size = 1; size <= all.size(); ++size) {
    Canned canned;
    for (std::size_t at = 0; at < all.size(); at += size) {
      canned.pieces.push_back(all.substr(at, size));
    }
    EXPECT_THAT(events(canned), testing::ElementsAre("a", "b", "c")) << size;
  }
  EXPECT_EQ(asked_,
            "GET /api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&"
            "timeoutSeconds=300");
}

TEST_F(RestTest, AnEventThatIsCutOffIsNoEvent) {
  EXPECT_THAT(events({.pieces = {line("a"), R"({"type":"ADDED","obj)"}}),
              testing::ElementsAre("a", "EndOfStream: the watch ended in the middle of an event"));
  EXPECT_THAT(events({.pieces = {line("a"), R"({"type":)"}, .breaks = true}),
              testing::ElementsAre("a", "Network: connection reset"));
}

TEST_F(RestTest, AnErrorEventComesAfterWhatWasBeforeIt) {
  const std::string gone =
      "{\"type\":\"ERROR\",\"object\":" +
      codec::write_json(to_json(status_of(expired("too old resource version")))) + "}\n";
  EXPECT_THAT(events({.pieces = {line("a") + gone}}),
              testing::ElementsAre("a", "Gone: too old resource version"));
}

TEST_F(RestTest, RubbishEndsTheWatch) {
  EXPECT_EQ(events({.pieces = {"<html>\n"}}).size(), 1U);
  EXPECT_EQ(events({.pieces = {"{\"type\":\"LATER\",\"object\":{}}\n"}}).size(), 1U);
  EXPECT_THAT(events({.pieces = {std::string(RestWatch::kMaxEvent, 'x'), "yy"}}),
              testing::ElementsAre("PayloadTooLarge: a watch event of more than 8 MiB"));
}

TEST_F(RestTest, AWatchThatOutlivesItsTimeIsDead) {
  EXPECT_THAT(events({.pieces = {line("a")}, .hangs = true}),
              testing::ElementsAre("a", "Network: the watch outlived its time"));
}

TEST_F(RestTest, ErrorsAreTheServersOwn) {
  answer_ = {.status = 409, .pieces = {to_body(status_of(object_modified({"", "pods"}, "a")))}};
  const auto patched = loop_.wait_for(transport_.patch(kPods, {"n", "a"}, {{"x", 1}}, "status"));
  EXPECT_EQ(patched.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(asked_, "PATCH /api/v1/namespaces/n/pods/a/status");
  EXPECT_EQ(body_, R"({"x":1})");
}

TEST_F(RestTest, DeletesWithPreconditions) {
  answer_ = {.pieces = {"{}"}};
  RemoveOptions options;
  options.propagation = Propagation::Foreground;
  options.uid = "u";
  ASSERT_TRUE(
      loop_.wait_for(transport_.remove({"x.io", "v1", "things", false}, {"", "a"}, options)).ok());
  EXPECT_EQ(asked_, "DELETE /apis/x.io/v1/things/a");
  EXPECT_EQ(body_, R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground",)"
                   R"("preconditions":{"uid":"u"}})");
}

TEST_F(RestTest, ClosingEndsWhatRuns) {
  answer_ = {.hangs = true};
  std::optional<Result<json::value>> got;
  io::TaskGroup group(loop_);
  group.spawn(io::keep(transport_.get(kPods, {"n", "a"}), &got));
  loop_.run_for(seconds(1));
  transport_.close();
  loop_.run_until_done(group.join(), seconds(0));
  EXPECT_FALSE(got->ok());
  EXPECT_EQ(loop_.wait_for(transport_.get(kPods, {"n", "a"})).error().kind(), ErrorKind::Cancelled);
}

}  // namespace
}  // namespace roadstead::kube
