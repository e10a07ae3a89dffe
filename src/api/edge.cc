// SPDX-License-Identifier: Apache-2.0
#include "api/edge.h"

#include "api/routing.h"
#include "crypto/certificate.h"
#include "net/proxy_protocol.h"
#include "net/tls_stream.h"
#include "tunnel/names.h"
#include "tunnel/protocol.h"

namespace roadstead::api {
namespace {

// After a restart all Agents come at once. What has begun is brought to its end before more begins:
// the others wait in the kernel's queue, and none so long that its handshake times out.
constexpr std::size_t kAcceptedAtOnce = 8;

class OpenCount {
 public:
  explicit OpenCount(std::atomic<std::size_t>& count) : count_(count) { ++count_; }
  ~OpenCount() { --count_; }
  OpenCount(const OpenCount&) = delete;
  OpenCount& operator=(const OpenCount&) = delete;

 private:
  std::atomic<std::size_t>& count_;
};

}  // namespace

ShardEdge::ShardEdge(io::Shard& shard, EdgeOptions const& options, const EdgeContexts& contexts,
                     const registry::ClusterDirectory& clusters, stub::StubShard& stubs,
                     http::Handler& users, http::Handler& enrolment, telemetry::Logger logger)
    : shard_(shard),
      options_(options),
      contexts_(contexts),
      clusters_(clusters),
      stubs_(stubs),
      users_(users),
      enrolment_(enrolment),
      logger_(std::move(logger)),
      connections_(options.max_connections),
      tasks_(shard) {}

void ShardEdge::take(net::Socket socket) {
  auto permit = connections_.try_take();
  if (!permit.has_value() || closing_) {
    logger_.warn("connection refused",
                 {{"source", socket.peer_address()}, {"why", "too many connections"}});
    return;
  }
  tasks_.spawn(serve(std::move(socket), std::move(*permit)));
}

io::Task<void> ShardEdge::serve(net::Socket socket, io::Quota::Permit permit) {
  const io::Quota::Permit held = std::move(permit);
  const OpenCount counted(open_);
  if (auto lane = co_await serve_user(std::move(socket))) {
    co_await serve_lane(std::move(lane->first), std::move(lane->second));
  }
}

io::Task<std::optional<std::pair<net::StreamPtr, std::string>>> ShardEdge::serve_user(
    net::Socket socket) {
  const OpenCount counted(users_open_);
  const std::string peer = socket.peer_address();
  const auto select = [this](const std::string& name, const std::vector<std::string>&) {
    if (tunnel::cluster_of_tunnel_name(name).has_value()) {
      return contexts_.tunnel.load();
    }
    return (name == tunnel::kEnrolmentName ? contexts_.enrolment : contexts_.users).load();
  };
  auto stream =
      co_await net::tls_accept(shard_, std::move(socket), select,
                               Deadline::after(shard_.clock(), options_.handshake_timeout));
  if (!stream.ok()) {
    logger_.debug("handshake failed", {{"source", peer}, {"error", stream.error().message()}});
    co_return std::nullopt;
  }
  const std::string name = (*stream)->tls()->server_name();
  if (auto cluster = tunnel::cluster_of_tunnel_name(name)) {
    co_return std::pair(std::move(*stream), std::move(*cluster));
  }
  co_await serve_http(std::move(*stream), name == tunnel::kEnrolmentName ? enrolment_ : users_);
  co_return std::nullopt;
}

io::Task<void> ShardEdge::serve_http(net::StreamPtr stream, http::Handler& handler) {
  const auto connection = http::ServerConnection::create(std::move(stream), options_.http, handler);
  live_.insert(connection.get());
  if (draining_) {
    connection->drain();
  }
  co_await connection->run();
  live_.erase(connection.get());
}

// The error says why it is not a lane of this cluster.
Result<stub::LaneIdentity> ShardEdge::identify(net::Stream& stream,
                                               const std::string& cluster) const {
  net::TlsSession& tls = *stream.tls();
  if (tls.alpn() != tunnel::kAlpn || tls.peer_chain().empty()) {
    return Error(ErrorKind::Protocol, "not the tunnel protocol");
  }
  const auto certificate = crypto::Certificate::from_der(tls.peer_chain().front());
  const auto subject = certificate.ok() ? tunnel::subject_of(*certificate)
                                        : Result<tunnel::Subject>(certificate.error());
  if (!subject.ok() || subject->kind != "cluster" || subject->name != cluster) {
    return Error(ErrorKind::Unauthenticated, "the certificate is not of this cluster");
  }
  const auto entry = clusters_.find(cluster);
  const bool removed = !entry.has_value() || entry->uid != subject->uid;
  return stub::LaneIdentity{cluster,
                            subject->uid,
                            stream.peer_address(),
                            certificate->serial_hex(),
                            certificate->not_after(),
                            removed,
                            entry.has_value() ? entry->api_server_ca : std::string()};
}

io::Task<void> ShardEdge::serve_lane(net::StreamPtr stream, std::string cluster) {
  auto identity = identify(*stream, cluster);
  if (!identity.ok()) {
    logger_.warn("lane refused", {{"cluster", cluster},
                                  {"source", stream->peer_address()},
                                  {"why", identity.error().message()}});
    stream->close();
    co_return;
  }
  co_await stubs_.serve_lane(std::move(stream), std::move(*identity));
}

void ShardEdge::drain_users() {
  draining_ = true;
  for (http::ServerConnection* connection : live_) {
    connection->drain();
  }
  stubs_.end_watches();
}

io::Task<void> ShardEdge::close() {
  closing_ = true;
  for (http::ServerConnection* connection : live_) {
    connection->close();
  }
  stubs_.close();
  co_await tasks_.join();
}

Edge::Edge(const EdgeOptions& options, std::vector<ShardEdge*> shards,
           const stub::OneProcessTunnels& tunnels, telemetry::Logger logger)
    : options_(options),
      shards_(std::move(shards)),
      tunnels_(tunnels),
      logger_(std::move(logger)),
      tasks_(shards_.front()->shard()),
      look_ended_(shards_.front()->shard()) {}

io::Task<void> Edge::accept_loop(net::Listener& listener) {
  for (std::size_t accepted = 1;; ++accepted) {
    if (accepted % kAcceptedAtOnce == 0) {
      co_await shards_.front()->shard().yield();
    }
    auto permit = handshakes_.try_take();
    while (!permit.has_value()) {
      co_await look_ended_.wait();
      permit = handshakes_.try_take();
    }
    auto socket = co_await listener.accept();
    if (!socket.ok()) {
      if (socket.error().kind() == ErrorKind::Cancelled) {
        break;
      }
      logger_.error("accept failed", {{"error", socket.error().message()}});
      co_await io::sleep_for(shards_.front()->shard(), std::chrono::milliseconds(100));
      continue;
    }
    tasks_.spawn(dispatch(std::move(*socket), std::move(*permit)));
  }
}

io::Task<void> Edge::dispatch(net::Socket socket, io::Quota::Permit permit) {
  co_await hand_over(std::move(socket));
  {
    const io::Quota::Permit ended = std::move(permit);
  }
  look_ended_.pulse();
}

io::Task<void> Edge::hand_over(net::Socket socket) {
  io::Shard& here = shards_.front()->shard();
  const Deadline deadline = Deadline::after(here.clock(), options_.handshake_timeout);
  Result<void> proxied;
  if (options_.proxy_protocol) {
    proxied = co_await net::take_proxy_header(here, socket, deadline);
  }
  auto hello = proxied.ok() ? co_await net::peek_client_hello(here, socket, deadline)
                            : Result<net::ClientHello>(proxied.error());
  if (!hello.ok()) {
    logger_.debug("connection dropped",
                  {{"source", socket.peer_address()}, {"error", hello.error().message()}});
    co_return;
  }
  // After a storm the queue holds those who gave up and came again: they cost no cryptography.
  if (socket.peer_has_left()) {
    co_return;
  }
  auto cluster = tunnel::cluster_of_tunnel_name(hello->server_name);
  if (!cluster.has_value()) {
    cluster = cluster_of_host(hello->server_name, options_.zone);
  }
  ShardEdge& place = *shards_[cluster.has_value() ? tunnels_.shard_of(*cluster) : 0];
  if (&place.shard() == &here) {
    place.take(std::move(socket));
  } else {
    place.shard().post_remote([&place, s = std::make_shared<net::Socket>(std::move(socket))] {
      place.take(std::move(*s));
    });
  }
}

io::Task<void> Edge::close() { co_await tasks_.join(); }

}  // namespace roadstead::api
