// SPDX-License-Identifier: Apache-2.0
// What an idle connection and an idle watch cost at each end. A hub has ten thousand of the former
// and more of the latter, so a field more in a stream is megabytes.
#include "http/h2_memory.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/allocation_test_support.h"
#include "http/h2_test_support.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kMany = 200;
constexpr std::size_t kKiB = 1024;
constexpr std::size_t kFrameBuffer = 21 * kKiB;  // as a sanitizer rounds it

// Many connections on one loop; each request is answered with a head, and then nothing.
class H2Memory : public testing::Test {
 protected:
  H2Memory() : handler_([](ServerExchange& exchange) { return watch(exchange); }), group_(loop_) {}
  ~H2Memory() override {
    watches_.clear();
    for (const auto& session : sessions_) {
      session->close();
    }
    loop_.run_until_done(group_.join());
  }

  static io::Task<void> watch(ServerExchange& exchange) {
    static_cast<void>(co_await exchange.respond(answer(200)));
    static_cast<void>(co_await exchange.read());  // ends with the connection
    io::Event never(exchange.executor());
    const auto ended = [&never] { never.set(); };
    exchange.on_abort(ended);
    co_await never.wait();
  }

  H2Session& connect() {
    auto [a, b] = net::make_pipe(loop_, 65536);
    sessions_.push_back(H2Session::create(std::move(b), H2Session::Role::Server, {}, &handler_));
    sessions_.push_back(H2Session::create(std::move(a), H2Session::Role::Client, {}, nullptr));
    for (std::size_t i = sessions_.size() - 2; i < sessions_.size(); ++i) {
      results_.push_back(std::make_unique<std::optional<Result<void>>>());
      group_.spawn(run_session(sessions_[i].get(), results_.back().get()));
    }
    loop_.run_ready_now();
    return *sessions_.back();
  }

  void open_watch(H2Session& session) {
    auto opened = session.open(get("/api/v1/pods?watch=1"), true);
    ASSERT_TRUE(opened.ok());
    watches_.push_back(std::move(*opened));
    loop_.run_ready_now();
  }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  FunctionHandler handler_;
  std::vector<std::unique_ptr<H2Session>> sessions_;
  std::vector<std::unique_ptr<std::optional<Result<void>>>> results_;
  std::vector<ClientExchangePtr> watches_;
  io::TaskGroup group_;
};

TEST_F(H2Memory, AnIdleConnectionIsSmallAtBothEndsTogether) {
  connect();  // what is made once
  const std::size_t before = test::bytes_in_use();
  for (std::size_t i = 0; i < kMany; ++i) {
    connect();
  }
  const std::size_t each = (test::bytes_in_use() - before) / kMany;
  EXPECT_LE(each, 26 * kKiB + (test::kSanitized ? 2 * kFrameBuffer : 0));
}

TEST_F(H2Memory, AnIdleWatchIsSmallAtBothEndsTogether) {
  H2Session& session = connect();
  open_watch(session);
  const std::size_t before = test::bytes_in_use();
  for (std::size_t i = 0; i < kMany; ++i) {
    open_watch(session);
  }
  EXPECT_LE((test::bytes_in_use() - before) / kMany, 5 * kKiB);
}

TEST_F(H2Memory, ManyIdleSessionsTouchOnePageEach) {
  if (test::kSanitized) {
    GTEST_SKIP() << "the sanitizers see every buffer";
  }
  connect();
  const std::size_t before = frame_buffer_pages();
  for (std::size_t i = 0; i < kMany; ++i) {
    connect();
  }
  const std::size_t grown = frame_buffer_pages() - before;
  EXPECT_LE(grown, 2 * kMany);
  EXPECT_GT(grown, kMany) << "the buffers come from elsewhere";
}

}  // namespace
}  // namespace roadstead::http
