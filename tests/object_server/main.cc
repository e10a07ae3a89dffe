// SPDX-License-Identifier: Apache-2.0
// The object API alone, on a loopback port without TLS or authentication: what the end-to-end tests
// put beside a real API server. Never part of a release.
//
//   object-server [STORE [KIND...]]   STORE: a file, or :memory: (the default); KIND: a CRD file,
//                                     served beside the hub's own kinds
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "codec/yaml.h"
#include "http/h1_connection.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "net/socket.h"
#include "objects/handler.h"
#include "objects/namespaces.h"
#include "storage/sqlite/sqlite_store.h"

namespace roadstead {
namespace {

// Holds everything that a request needs, in the order of its life.
struct Server {
  Server(const Clock& system_clock, std::unique_ptr<storage::SqliteStore> s,
         objects::KindRegistry k)
      : clock(system_clock),
        shard(system_clock),
        store(std::move(s)),
        kinds(std::move(k)),
        cache(shard, *store, kinds),
        api(kinds, *store, cache, clock, random),
        service(api, {}),
        handler(shard, service, [](http::ServerExchange& exchange) {
          objects::RequestContext context;
          context.username = "tester";
          context.is_admin = true;
          context.source = exchange.connection().peer_address;
          return Result<objects::RequestContext>(std::move(context));
        }) {}

  const Clock& clock;
  SystemRandom random;
  io::Shard shard;
  std::unique_ptr<storage::SqliteStore> store;
  objects::KindRegistry kinds;
  objects::ObjectCache cache;
  objects::ObjectApi api;
  objects::ObjectService service;
  objects::ObjectHandler handler;
};

io::Task<void> serve_connection(net::StreamPtr stream, http::Handler& handler) {
  auto connection = http::H1Server::create(std::move(stream), {}, handler);
  co_await connection->run();
}

io::Task<void> serve(Server& server) {
  auto started = co_await server.cache.start();
  CHECK(started.ok(), started.error().to_string());
  auto listener = net::Listener::open(server.shard, {"127.0.0.1", "0"});
  CHECK(listener.ok(), listener.error().to_string());
  io::TaskGroup group(server.shard);
  group.spawn(server.cache.run());
  auto placed = co_await objects::ensure_default_namespace(server.api);
  CHECK(placed.ok(), placed.error().to_string());
  std::printf("listening on %s\n", net::format_host_port((*listener)->local_address()).c_str());
  std::fflush(stdout);
  for (;;) {
    auto socket = co_await (*listener)->accept();
    if (!socket.ok()) {
      continue;
    }
    group.spawn(
        serve_connection(net::make_tcp_stream(server.shard, std::move(*socket)), server.handler));
  }
}

Result<void> add_kinds(objects::KindRegistry& registry, const char* path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  TRY(const auto documents, codec::parse_yaml(text));
  for (const auto& document : documents) {
    TRY(auto kind, objects::parse_kind(document));
    TRY_VOID(registry.add(std::move(kind)));
  }
  return {};
}

int run(const std::string& path, std::span<char*> more_kinds) {
  SystemClock clock;
  storage::SqliteOptions options;
  options.path = path;
  auto store = storage::SqliteStore::open(std::move(options), clock);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.error().to_string().c_str());
    return 1;
  }
  auto kinds = objects::KindRegistry::builtin();
  if (!kinds.ok()) {
    std::fprintf(stderr, "%s\n", kinds.error().to_string().c_str());
    return 1;
  }
  for (const char* file : more_kinds) {
    if (auto added = add_kinds(*kinds, file); !added.ok()) {
      std::fprintf(stderr, "%s: %s\n", file, added.error().to_string().c_str());
      return 1;
    }
  }
  Server server(clock, std::move(*store), std::move(*kinds));
  server.shard.run_until_done(serve(server));
  return 0;
}

}  // namespace
}  // namespace roadstead

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  return roadstead::run(argc > 1 ? argv[1] : ":memory:", arguments.subspan(argc > 2 ? 2 : argc));
}
