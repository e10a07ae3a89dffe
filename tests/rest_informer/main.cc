// SPDX-License-Identifier: Apache-2.0
// The controller framework's informer on the ConfigMaps of a namespace, over HTTP: what the
// end-to-end tests put beside client-go's. Prints a line of JSON for what it sees, among it each
// list and each watch that it had to begin. Never part of a release.
//
//   rest-informer KUBECONFIG NAMESPACE
#include <csignal>
#include <cstdio>
#include <string>

#include "agent/files.h"
#include "agent/pooled_api_server.h"
#include "base/clock.h"
#include "base/random.h"
#include "codec/json.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "kube/controller/informer.h"
#include "kube/rest/rest_transport.h"

namespace roadstead {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

void say(std::string_view event, std::string_view name = "", std::string_view value = "") {
  const std::string line =
      codec::write_json(codec::json::object{{"event", event}, {"name", name}, {"value", value}});
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// Tells of the lists and watches that pass through it: an informer asks for nothing else.
class PoolExchanger final : public kube::Exchanger {
 public:
  explicit PoolExchanger(agent::PooledApiServer& server) : server_(server) {}
  io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end, bool lasts,
                                                 Deadline deadline) override {
    say(lasts ? "watch" : "list");
    return server_.open(std::move(head), end, lasts, deadline);
  }

 private:
  agent::PooledApiServer& server_;
};

io::Task<void> follow(io::Shard& shard, kube::Informer& informer) {
  io::TaskGroup group(shard);
  group.spawn(informer.run());
  if (co_await informer.wait_synced()) {
    say("synced");
  }
  co_await group.join();
}

Result<void> run(const std::string& path, std::string namespace_name) {
  TRY(const std::string text, agent::read_file(path, kMaxFileBytes));
  TRY(auto access, agent::kubeconfig_access(text, "", path, [](const std::string& file) {
        return agent::read_file(file, kMaxFileBytes);
      }));
  SystemClock clock;
  SystemRandom random;
  io::Shard shard(clock);
  io::BlockingPool blocking(1, 16);
  TRY(auto server, agent::PooledApiServer::create(std::move(access), shard, blocking, {}));
  PoolExchanger exchanger(*server);
  kube::RestTransport transport(shard, exchanger);
  telemetry::MetricRegistry metrics;
  kube::Informer informer({shard, random, metrics, {}}, transport, "configmaps",
                          {"", "v1", "configmaps", true}, {.namespace_ = std::move(namespace_name)},
                          {});
  informer.add_handler([](const kube::Change& change) {
    constexpr std::string_view kEvents[] = {"added", "updated", "deleted"};
    say(kEvents[static_cast<int>(change.type)], change.key.name,
        codec::string_at(*change.object, {"data", "n"}));
  });
  shard.run_until_done(follow(shard, informer));
  return {};
}

}  // namespace
}  // namespace roadstead

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc != 3) {
    std::fprintf(stderr, "usage: rest-informer KUBECONFIG NAMESPACE\n");
    return 2;
  }
  const auto done = roadstead::run(argv[1], argv[2]);
  std::fprintf(stderr, "%s\n", done.ok() ? "" : done.error().to_string().c_str());
  return 1;
}
