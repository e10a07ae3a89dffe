// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <algorithm>

#include "crypto/key.h"
#include "http/relay.h"
#include "io/sleep.h"
#include "net/pipe.h"

namespace roadstead::sim {
namespace {

constexpr const char* kClusterUid = "00000000-0000-4000-8000-00000000c1c1";
constexpr const char* kUserUid = "00000000-0000-4000-8000-0000000a0a0a";

class QuietEvents final : public agent::LaneEvents {
 public:
  tunnel::Hello hello() override {
    tunnel::Hello hello;
    hello.replica = "agent";
    hello.api_server_ca_fingerprint = "ca-of-the-cluster";
    return hello;
  }
  tunnel::ApiServerReport report() override { return {}; }
  void on_hub_hello(const tunnel::Hello&) override {}
  void on_message(const codec::json::object&) override {}
  void on_ready() override {}
};

http::H2Options agent_options() {
  http::H2Options options;
  options.enable_connect_protocol = true;
  options.max_concurrent_streams = 1000;
  options.reset_burst = 1'000'000;
  options.reset_rate = 1'000'000;
  return options;
}

}  // namespace

// What a user's connection is served with, once it is known who it is.
class World::UserPort final : public http::Handler {
 public:
  explicit UserPort(World& world) : world_(world) {}
  io::Task<void> handle(http::ServerExchange& exchange) override {
    co_await world_.stubs_.serve_request(exchange, "ack", world_.ann_, exchange.request().target);
  }

 private:
  World& world_;
};

stub::StubOptions World::default_options() {
  stub::StubOptions options;
  options.lane_http.ping_after = std::chrono::seconds(5);
  options.lane_http.ping_timeout = std::chrono::seconds(5);
  return options;
}

World::World(std::uint64_t seed, stub::StubOptions options)
    : random_(seed),
      proxy_(clock_, random_, *this,
             {metrics_.counter("requests", ""), metrics_.counter("retries", ""),
              metrics_.counter("failures", ""), metrics_.counter("throttled", "")}),
      stubs_(loop_, std::move(options), directory_, proxy_, *this, {}),
      events_(std::make_unique<QuietEvents>()) {
  make_people();
}

World::~World() { end(); }

void World::make_people() {
  const crypto::PrivateKey ca_key = crypto::PrivateKey::generate_p256();
  crypto::CertificateTemplate ca;
  ca.common_name = "users";
  ca.not_before = clock_.wall() - std::chrono::hours(1);
  ca.not_after = clock_.wall() + std::chrono::hours(1000);
  ca.ca = true;
  const auto root = crypto::issue_self_signed(ca, ca_key, random_).value();
  crypto::CertificateTemplate person = ca;
  person.common_name = "ann";
  person.ca = false;
  person.client_auth = true;
  person.uris = {tunnel::subject_uri({"user", "ann", kUserUid})};
  const auto certificate =
      crypto::issue(person, crypto::PrivateKey::generate_p256().public_key(), root, ca_key, random_)
          .value();
  auto snapshot = std::make_shared<identity::Snapshot>();
  snapshot->user_roots = {root};
  snapshot->serials = {certificate.serial_hex()};
  snapshot->users["ann"] = {"ann", kUserUid, false, false, {}};
  directory_.replace(snapshot);
  const std::vector<std::string> chain{certificate.der()};
  ann_ = directory_.authenticate(chain).value();
  trust_ = std::make_shared<agent::PinnedTrust>(agent::PinnedTrust{{root}, kClusterUid});
}

void World::revoke() {
  auto snapshot = std::make_shared<identity::Snapshot>(*directory_.snapshot());
  snapshot->serials.erase(ann_->credential_serial);
  directory_.replace(snapshot);
  stubs_.recheck_principals();
}

void World::connect(std::size_t index, std::string registered_ca) {
  Member& member = agents_.at(index);
  CHECK(member.session == nullptr, "the agent is connected");
  auto [hub_end, agent_end] = net::make_pipe(loop_);
  member.server = std::make_unique<agent::LaneServer>(
      loop_, agent_clock_, forwarder_, trust_, agent::LocalRules{}, *events_,
      std::array<std::byte, 32>{}, telemetry::Logger());
  member.session = http::H2Session::create(std::move(agent_end), http::H2Session::Role::Server,
                                           agent_options(), member.server.get());
  tasks_.spawn(run_agent(index, member.session.get()));
  tasks_.spawn(stubs_.serve_lane(
      std::move(hub_end), {"ack", kClusterUid, "pipe", "01", {}, false, std::move(registered_ca)}));
}

io::Task<void> World::run_agent(std::size_t index, http::H2Session* session) {
  static_cast<void>(co_await session->run());
  Member& member = agents_.at(index);
  if (member.session.get() == session) {
    dead_.push_back(std::move(member));
    member = {};
  }
}

void World::kill(std::size_t index) {
  Member& member = agents_.at(index);
  if (member.session != nullptr) {
    member.session->close();
    dead_.push_back(std::move(member));
    member = {};
  }
}

std::unique_ptr<http::Handler> World::user_port() { return std::make_unique<UserPort>(*this); }

io::Task<void> World::serve_user(net::StreamPtr stream) {
  UserPort port(*this);
  auto server = http::H1Server::create(std::move(stream), {}, port);
  http::H1Server* raw = server.get();
  users_.push_back(std::move(server));
  co_await raw->run();
  users_.remove_if([raw](const auto& s) { return s.get() == raw; });
}

io::Task<Answer> World::request(std::string method, std::string target, std::string body,
                                Duration patience) {
  auto [user_end, hub_end] = net::make_pipe(loop_);
  tasks_.spawn(serve_user(std::move(hub_end)));
  const auto client = http::H1Client::create(std::move(user_end), {});
  const io::DeadlineGuard guard(loop_, Deadline::after(clock_, patience),
                                [&client] { client->close(); });
  http::RequestHead head;
  head.method = std::move(method);
  head.authority = "hub";
  head.target = std::move(target);
  if (!body.empty()) {
    head.headers.add("content-length", std::to_string(body.size()));
  }
  Answer answer;
  auto opened = co_await client->open(std::move(head), body.empty());
  if (!opened.ok()) {
    answer.error = opened.error().to_string();
    co_return answer;
  }
  http::ClientExchange& exchange = **opened;
  if (!body.empty()) {
    const auto written = co_await exchange.write(body);
    if (written.ok()) {
      static_cast<void>(co_await exchange.finish());
    }
  }
  auto response = co_await exchange.response();
  if (!response.ok()) {
    answer.error = response.error().to_string();
  } else {
    answer.status = response->status;
    answer.retry_after = response->headers.has("retry-after");
    for (;;) {
      auto chunk = co_await exchange.read();
      if (!chunk.ok()) {
        answer.error = chunk.error().to_string();
        break;
      }
      if (chunk->empty()) {
        answer.ok = true;
        break;
      }
      answer.body += *chunk;
    }
  }
  exchange.reset();
  client->close();
  co_return answer;
}

namespace {

// An exchange that owns its connection.
class OwningExchange final : public http::ClientExchange {
 public:
  OwningExchange(std::unique_ptr<http::H1Client> client, http::ClientExchangePtr inner)
      : client_(std::move(client)), inner_(std::move(inner)) {}
  ~OwningExchange() override {
    inner_.reset();
    client_->close();
  }
  io::Task<Result<void>> write(std::string_view bytes) override { return inner_->write(bytes); }
  io::Task<Result<void>> finish(http::Headers trailers) override {
    return inner_->finish(std::move(trailers));
  }
  io::Task<Result<http::ResponseHead>> response() override { return inner_->response(); }
  io::Task<Result<std::string>> read() override { return inner_->read(); }
  const http::Headers& trailers() const override { return inner_->trailers(); }
  bool not_processed() const override { return inner_->not_processed(); }
  void reset() override { inner_->reset(); }

 private:
  std::unique_ptr<http::H1Client> client_;
  http::ClientExchangePtr inner_;
};

}  // namespace

io::Task<Result<http::ClientExchangePtr>> World::open(http::RequestHead head, bool end) {
  auto [user_end, hub_end] = net::make_pipe(loop_);
  tasks_.spawn(serve_user(std::move(hub_end)));
  auto client = http::H1Client::create(std::move(user_end), {});
  head.authority = "hub";
  CO_TRY(http::ClientExchangePtr inner, co_await client->open(std::move(head), end));
  co_return std::make_unique<OwningExchange>(std::move(client), std::move(inner));
}

void World::end() {
  stubs_.close();
  for (const auto& user : users_) {
    user->close();
  }
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    kill(i);
  }
  loop_.run_until_done(tasks_.join());
  dead_.clear();
}

}  // namespace roadstead::sim
