// SPDX-License-Identifier: Apache-2.0
// What HTTP/2 itself costs: a client and a server session on one thread, without TLS, joined by an
// in-memory pipe. CPU per request and per byte are for both ends together.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "http/h2_session.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "net/pipe.h"

namespace roadstead::http {
namespace {

using io::Task;

constexpr std::size_t kBulk = 64 * 1024 * 1024;

// "/bulk" gives 64 MiB, everything else 100 bytes.
class Answer final : public Handler {
 public:
  Task<void> handle(ServerExchange& exchange) override {
    ResponseHead head{200, {}};
    head.headers.add("content-type", "application/json");
    static_cast<void>(co_await exchange.respond(std::move(head)));
    if (exchange.request().target == "/bulk") {
      for (std::size_t sent = 0; sent < kBulk; sent += piece_.size()) {
        static_cast<void>(co_await exchange.write(piece_));
      }
    } else {
      static_cast<void>(co_await exchange.write(std::string_view(piece_).substr(0, 100)));
    }
    static_cast<void>(co_await exchange.finish());
  }

 private:
  std::string piece_ = std::string(64 * 1024, 'b');
};

Task<void> run_session(H2Session& session) { static_cast<void>(co_await session.run()); }

Task<std::size_t> fetch(H2Session& session, std::string target) {
  RequestHead head;
  head.method = "GET";
  head.authority = "cluster.test";
  head.target = std::move(target);
  head.headers.add("accept", "application/json");
  head.headers.add("user-agent", "bench");
  auto exchange = session.open(std::move(head), true).value();
  std::size_t size = 0;
  if ((co_await exchange->response()).ok()) {
    for (;;) {
      const auto piece = co_await exchange->read();
      if (!piece.ok() || piece->empty()) {
        break;
      }
      size += piece->size();
    }
  }
  co_return size;
}

Task<void> fetch_many(H2Session& session, int count) {
  for (int i = 0; i < count; ++i) {
    benchmark::DoNotOptimize(co_await fetch(session, "/small"));
  }
}

// `lanes` clients, each `count` requests one after the other.
Task<void> fetch_side_by_side(io::Executor& executor, H2Session& session, int lanes, int count) {
  io::TaskGroup group(executor);
  for (int i = 0; i < lanes; ++i) {
    group.spawn(fetch_many(session, count));
  }
  co_await group.join();
}

Task<void> fetch_bulk(H2Session& session) {
  benchmark::DoNotOptimize(co_await fetch(session, "/bulk"));
}

struct Pair {
  Pair() {
    auto [a, b] = net::make_pipe(shard, 1 << 20);
    client = H2Session::create(std::move(a), H2Session::Role::Client, {}, nullptr);
    server = H2Session::create(std::move(b), H2Session::Role::Server, {}, &handler);
    group.spawn(run_session(*client));
    group.spawn(run_session(*server));
  }
  ~Pair() {
    client->close();
    server->close();
    shard.run_until_done(group.join());
  }
  SystemClock clock;
  io::Shard shard{clock};
  Answer handler;
  std::unique_ptr<H2Session> client;
  std::unique_ptr<H2Session> server;
  io::TaskGroup group{shard};
};

void small_requests(benchmark::State& state) {
  Pair pair;
  const int lanes = static_cast<int>(state.range(0));
  constexpr int kEach = 100;
  for (auto _ : state) {
    pair.shard.run_until_done(fetch_side_by_side(pair.shard, *pair.client, lanes, kEach));
  }
  state.SetItemsProcessed(state.iterations() * lanes * kEach);
}
BENCHMARK(small_requests)->Arg(1)->Arg(16)->Arg(64);

void bulk(benchmark::State& state) {
  Pair pair;
  for (auto _ : state) {
    pair.shard.run_until_done(fetch_bulk(*pair.client));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBulk));
}
BENCHMARK(bulk);

}  // namespace
}  // namespace roadstead::http

BENCHMARK_MAIN();
