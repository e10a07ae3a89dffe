// SPDX-License-Identifier: Apache-2.0
#include "http/client_pool.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "http/client_pool_parts.h"
#include "io/event.h"
#include "io/sleep.h"
#include "io/task_group.h"

namespace roadstead::http {
namespace {

// How often a request goes on to the next connection because one was found dead.
constexpr int kMaxRetries = 8;

// One dial, and the requests that wait for its end.
struct Attempt {
  explicit Attempt(io::Executor& executor) : done(executor) {}
  io::Event done;
  std::optional<Error> error;
};

Error closed_error() { return {ErrorKind::Unavailable, "the connection pool is closed"}; }
Error late_error() {
  return {ErrorKind::DeadlineExceeded, "no connection to the server was free in time"};
}

class Core final : public PoolOwner, public std::enable_shared_from_this<Core> {
 public:
  Core(io::Executor& executor, ClientPool::Dial dial, ClientPoolOptions options)
      : executor_(executor),
        dial_(std::move(dial)),
        options_(std::move(options)),
        group_(executor),
        changed_(executor),
        sweep_(executor) {}

  io::Task<Result<ClientExchangePtr>> open(RequestHead head, bool end, RequestClass kind,
                                           Deadline deadline);
  io::Task<Result<ClientExchangePtr>> open_upgrade(RequestHead head, Deadline deadline);
  void rotate();
  io::Task<void> close();
  ClientPoolStats stats() const;

  void release(const std::shared_ptr<PooledH2>& connection) override;
  void release(const std::shared_ptr<PooledH1>& connection) override;

 private:
  enum class Spoken : unsigned char { Unknown, Http1, Http2 };

  Result<ClientExchangePtr> try_h2(const SharedRequestHead& head, bool end, RequestClass kind);
  io::Task<Result<ClientExchangePtr>> use_h1(std::shared_ptr<PooledH1> connection, RequestHead head,
                                             bool end, Deadline deadline);
  std::shared_ptr<PooledH1> take_idle_h1(RequestClass kind);
  bool may_use_h1(RequestClass kind) const;
  std::size_t live_h2(RequestClass kind) const;

  std::shared_ptr<Attempt> dial_for(RequestClass kind);
  io::Task<void> dial(std::shared_ptr<Attempt> attempt, RequestClass kind);
  void adopt(net::StreamPtr stream, RequestClass kind, std::uint64_t generation);
  io::Task<void> run(std::shared_ptr<PooledH2> connection);
  io::Task<bool> wait(io::Event& event, Deadline deadline);

  void drain(PooledH2& connection);
  void arm_sweep();
  void sweep();

  io::Executor& executor_;
  ClientPool::Dial dial_;
  ClientPoolOptions options_;
  io::TaskGroup group_;
  io::Event changed_;  // a connection came, became free or went
  io::Timer sweep_;

  std::vector<std::shared_ptr<PooledH2>> h2_;
  std::deque<std::shared_ptr<PooledH1>> idle_h1_;  // the longest idle in front
  std::vector<std::shared_ptr<PooledH1>> busy_h1_;
  std::shared_ptr<Attempt> dialing_[2];  // the shared dial of each class
  std::size_t dialing_h1_[2] = {0, 0};
  std::size_t dialing_upgrades_ = 0;
  Spoken spoken_ = Spoken::Unknown;
  std::uint64_t generation_ = 0;
  bool closed_ = false;
  ClientPoolStats counts_;
};

std::size_t index(RequestClass kind) { return kind == RequestClass::Watch ? 1 : 0; }

// ---- choosing ----

io::Task<Result<ClientExchangePtr>> Core::open(RequestHead given, bool end, RequestClass kind,
                                               Deadline deadline) {
  const auto self = shared_from_this();
  const auto head = std::make_shared<const RequestHead>(std::move(given));
  for (int retries = 0; !closed_;) {
    if (deadline.expired(executor_.clock())) {
      ++counts_.refused;
      co_return late_error();
    }
    Result<ClientExchangePtr> over_h2 = try_h2(head, end, kind);
    if (over_h2.ok() || over_h2.error().kind() != ErrorKind::TooManyRequests) {
      co_return over_h2;
    }
    if (auto idle = take_idle_h1(kind)) {
      Result<ClientExchangePtr> over_h1 = co_await use_h1(std::move(idle), *head, end, deadline);
      if (over_h1.ok() || over_h1.error().kind() != ErrorKind::Unavailable) {
        co_return over_h1;
      }
      ++counts_.retries;
      if (++retries > kMaxRetries) {
        co_return over_h1;
      }
      continue;
    }
    if (counts_.waiting >= options_.max_waiting) {
      ++counts_.refused;
      co_return Error(ErrorKind::TooManyRequests, "too many requests wait for a connection");
    }
    const std::shared_ptr<Attempt> attempt = dial_for(kind);
    ++counts_.waiting;
    co_await wait(attempt != nullptr ? attempt->done : changed_, deadline);
    --counts_.waiting;
    if (attempt != nullptr && attempt->error.has_value()) {
      co_return *attempt->error;
    }
  }
  co_return closed_error();
}

// TooManyRequests: no connection of this class has room.
Result<ClientExchangePtr> Core::try_h2(const SharedRequestHead& head, bool end, RequestClass kind) {
  // The oldest with room is filled first, so that later ones become idle and end. Beyond the wanted
  // number of streams only when no further connection may be opened.
  const std::size_t wanted = live_h2(kind) >= options_.max_h2_connections
                                 ? static_cast<std::size_t>(-1)
                                 : options_.streams_per_connection;
  for (const std::shared_ptr<PooledH2>& connection : h2_) {
    const std::size_t limit =
        std::min<std::size_t>(wanted, connection->session->peer_max_concurrent_streams());
    if (connection->kind != kind || !connection->takes_requests() ||
        connection->session->open_streams() >= limit) {
      continue;
    }
    Result<ClientExchangePtr> opened = connection->session->open(head, end);
    if (opened.ok()) {
      ++counts_.requests;
      ++connection->users;
      return ClientExchangePtr(std::make_unique<PooledExchange<PooledH2>>(
          shared_from_this(), connection, std::move(opened).value()));
    }
    const ErrorKind error = opened.error().kind();
    if (error != ErrorKind::Unavailable && error != ErrorKind::TooManyRequests) {
      return opened;
    }
    ++counts_.retries;
  }
  return Error(ErrorKind::TooManyRequests, "every HTTP/2 connection is full");
}

std::size_t Core::live_h2(RequestClass kind) const {
  return static_cast<std::size_t>(std::count_if(h2_.begin(), h2_.end(), [kind](const auto& c) {
    return c->kind == kind && c->takes_requests();
  }));
}

bool Core::may_use_h1(RequestClass kind) const {
  std::size_t all = dialing_h1_[0] + dialing_h1_[1];
  std::size_t watches = dialing_h1_[1];
  for (const auto& connection : busy_h1_) {
    all += connection->upgrade ? 0 : 1;
    watches += connection->kind == RequestClass::Watch ? 1 : 0;
  }
  return all < options_.max_h1_connections &&
         (kind != RequestClass::Watch || watches < options_.max_h1_connections * 3 / 4);
}

std::shared_ptr<PooledH1> Core::take_idle_h1(RequestClass kind) {
  while (!idle_h1_.empty() && may_use_h1(kind)) {
    std::shared_ptr<PooledH1> connection = std::move(idle_h1_.back());
    idle_h1_.pop_back();
    if (connection->client->reusable()) {
      connection->kind = kind;
      return connection;
    }
    ++counts_.retries;
  }
  return nullptr;
}

io::Task<Result<ClientExchangePtr>> Core::use_h1(std::shared_ptr<PooledH1> connection,
                                                 RequestHead head, bool end, Deadline deadline) {
  const auto self = shared_from_this();
  busy_h1_.push_back(connection);
  io::DeadlineGuard guard(executor_, deadline,
                          [client = connection->client.get()] { client->close(); });
  Result<ClientExchangePtr> opened = co_await connection->client->open(std::move(head), end);
  if (opened.ok()) {
    ++counts_.requests;
    co_return ClientExchangePtr(std::make_unique<PooledExchange<PooledH1>>(
        self, std::move(connection), std::move(opened).value()));
  }
  release(connection);
  co_return guard.expired() ? Result<ClientExchangePtr>(late_error()) : std::move(opened);
}

io::Task<Result<ClientExchangePtr>> Core::open_upgrade(RequestHead head, Deadline deadline) {
  const auto self = shared_from_this();
  const std::size_t upgrades = stats().upgrades;
  if (closed_) {
    co_return closed_error();
  }
  if (upgrades + dialing_upgrades_ >= options_.max_upgrades) {
    ++counts_.refused;
    co_return Error(ErrorKind::TooManyRequests, "too many upgraded connections are open");
  }
  ++counts_.dials;
  ++dialing_upgrades_;
  const Deadline connect = Deadline::after(executor_.clock(), options_.connect_timeout);
  Result<net::StreamPtr> stream = co_await dial_(
      std::vector<std::string>{"http/1.1"},
      std::min(deadline, connect, [](auto a, auto b) { return a.time() < b.time(); }));
  --dialing_upgrades_;
  if (!stream.ok()) {
    ++counts_.dial_failures;
    co_return std::move(stream).error();
  }
  if (closed_) {
    co_return closed_error();
  }
  auto connection = std::make_shared<PooledH1>();
  connection->client = H1Client::create(std::move(stream).value(), options_.h1);
  connection->upgrade = true;
  co_return co_await use_h1(std::move(connection), std::move(head), true, deadline);
}

// ---- connecting ----

// The dial to wait for; nullptr when none is allowed now, and something must become free.
std::shared_ptr<Attempt> Core::dial_for(RequestClass kind) {
  // What the server speaks is found out by one dial of each class, which all requests wait for; so
  // is each further HTTP/2 connection. With HTTP/1.1 every request needs one of its own.
  std::shared_ptr<Attempt>& shared = dialing_[index(kind)];
  if (spoken_ != Spoken::Http1 && shared != nullptr) {
    return shared;
  }
  const bool allowed =
      spoken_ == Spoken::Http1 ? may_use_h1(kind) : live_h2(kind) < options_.max_h2_connections;
  if (!allowed) {
    return nullptr;
  }
  auto attempt = std::make_shared<Attempt>(executor_);
  if (spoken_ == Spoken::Http1) {
    ++dialing_h1_[index(kind)];
  } else {
    shared = attempt;
  }
  ++counts_.dials;
  group_.spawn(dial(attempt, kind));
  return attempt;
}

io::Task<void> Core::dial(std::shared_ptr<Attempt> attempt, RequestClass kind) {
  const std::uint64_t generation = generation_;
  const bool counted = dialing_[index(kind)] != attempt;
  Result<net::StreamPtr> stream =
      co_await dial_(std::vector<std::string>{"h2", "http/1.1"},
                     Deadline::after(executor_.clock(), options_.connect_timeout));
  if (counted) {
    --dialing_h1_[index(kind)];
  } else {
    dialing_[index(kind)] = nullptr;
  }
  if (!stream.ok()) {
    ++counts_.dial_failures;
    attempt->error = std::move(stream).error();
  } else if (closed_) {
    attempt->error = closed_error();
  } else if (generation == generation_) {
    adopt(std::move(stream).value(), kind, generation);
  }  // else it used old credentials: who waits dials again
  attempt->done.set();
  changed_.pulse();
}

void Core::adopt(net::StreamPtr stream, RequestClass kind, std::uint64_t generation) {
  const bool h2 = stream->tls() != nullptr && stream->tls()->alpn() == "h2";
  spoken_ = h2 ? Spoken::Http2 : Spoken::Http1;
  if (h2) {
    auto connection = std::make_shared<PooledH2>();
    connection->session =
        H2Session::create(std::move(stream), H2Session::Role::Client, options_.h2, nullptr);
    connection->kind = kind;
    connection->idle_since = executor_.clock().now();
    h2_.push_back(connection);
    group_.spawn(run(std::move(connection)));
  } else {
    auto connection = std::make_shared<PooledH1>();
    connection->client = H1Client::create(std::move(stream), options_.h1);
    connection->generation = generation;
    connection->idle_since = executor_.clock().now();
    idle_h1_.push_back(std::move(connection));
  }
  arm_sweep();
}

io::Task<void> Core::run(std::shared_ptr<PooledH2> connection) {
  static_cast<void>(co_await connection->session->run());
  connection->ended = true;
  std::erase(h2_, connection);
  changed_.pulse();
}

// False when the deadline passed.
io::Task<bool> Core::wait(io::Event& event, Deadline deadline) {
  io::DeadlineGuard guard(executor_, deadline, [&event] { event.pulse(); });
  co_await event.wait();
  co_return !guard.expired();
}

// ---- giving back ----

void Core::release(const std::shared_ptr<PooledH2>& connection) {
  --connection->users;
  connection->idle_since = executor_.clock().now();
  changed_.pulse();
  arm_sweep();
}

void Core::release(const std::shared_ptr<PooledH1>& connection) {
  std::erase(busy_h1_, connection);
  if (!closed_ && !connection->upgrade && connection->generation == generation_ &&
      connection->client->reusable()) {
    connection->idle_since = executor_.clock().now();
    idle_h1_.push_back(connection);
    arm_sweep();
  } else {
    connection->client->close();
  }
  changed_.pulse();
}

void Core::arm_sweep() {
  if (!closed_ && !sweep_.armed() && (!h2_.empty() || !idle_h1_.empty())) {
    // Half the time-out: what is idle goes after 90 to 135 s, by one timer for all.
    sweep_.arm(options_.idle_timeout / 2, [this] { sweep(); });
  }
}

void Core::sweep() {
  const MonotonicTime now = executor_.clock().now();
  const auto old = [this, now](MonotonicTime since) {
    return now - since >= options_.idle_timeout;
  };
  std::erase_if(idle_h1_, [&old](const auto& connection) {
    return old(connection->idle_since) || !connection->client->reusable();
  });
  for (const std::shared_ptr<PooledH2>& connection : h2_) {
    if (connection->users == 0 && old(connection->idle_since)) {
      if (connection->draining) {
        connection->session->close();  // did not end by itself
      } else {
        drain(*connection);
        connection->idle_since = now;
      }
    }
  }
  arm_sweep();
}

void Core::drain(PooledH2& connection) {
  if (!connection.draining) {
    connection.draining = true;
    connection.session->drain();
  }
}

void Core::rotate() {
  ++generation_;
  spoken_ = Spoken::Unknown;  // it may be another server
  idle_h1_.clear();
  std::size_t draining = 0;
  for (const std::shared_ptr<PooledH2>& connection : h2_) {
    drain(*connection);
    ++draining;
  }
  for (const std::shared_ptr<PooledH2>& connection : h2_) {
    if (draining > options_.max_draining) {
      connection->session->close();
      --draining;
    }
  }
  changed_.pulse();
}

io::Task<void> Core::close() {
  const auto self = shared_from_this();
  closed_ = true;
  sweep_.cancel();
  idle_h1_.clear();
  for (const auto& connection : busy_h1_) {
    connection->client->close();
  }
  for (const auto& connection : h2_) {
    connection->session->close();
  }
  changed_.set();
  co_await group_.join();
}

ClientPoolStats Core::stats() const {
  ClientPoolStats out = counts_;
  for (const auto& connection : h2_) {
    ++(connection->takes_requests() ? out.h2_connections : out.h2_draining);
  }
  for (const auto& connection : busy_h1_) {
    ++(connection->upgrade ? out.upgrades : out.h1_connections);
  }
  out.h1_idle = idle_h1_.size();
  out.h1_connections += out.h1_idle;
  return out;
}

class Pool final : public ClientPool {
 public:
  explicit Pool(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  io::Task<Result<ClientExchangePtr>> open(RequestHead head, bool end, RequestClass kind,
                                           Deadline deadline) override {
    return core_->open(std::move(head), end, kind, deadline);
  }
  io::Task<Result<ClientExchangePtr>> open_upgrade(RequestHead head, Deadline deadline) override {
    return core_->open_upgrade(std::move(head), deadline);
  }
  void rotate() override { core_->rotate(); }
  io::Task<void> close() override { return core_->close(); }
  ClientPoolStats stats() const override { return core_->stats(); }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<ClientPool> ClientPool::create(io::Executor& executor, Dial dial,
                                               ClientPoolOptions options) {
  return std::make_unique<Pool>(
      std::make_shared<Core>(executor, std::move(dial), std::move(options)));
}

}  // namespace roadstead::http
