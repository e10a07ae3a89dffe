// SPDX-License-Identifier: Apache-2.0
// TLS between two ends in one process, on a pair of sockets: records both ways, bytes one way, and
// handshakes with a client's certificate.
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "base/random.h"
#include "crypto/certificate.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "net/tls_stream.h"
#include "work.h"

namespace roadstead::bench {
namespace {

constexpr std::size_t kMiB = 1 << 20;
constexpr const char* kName = "hub.example";

struct Ends {
  net::StreamPtr client;
  net::StreamPtr server;
};

// One authority for both ends.
class Identities {
 public:
  explicit Identities(const Clock& clock) : clock_(clock) {}
  net::TlsIdentity issue(bool server) {
    crypto::CertificateTemplate subject = valid("end");
    if (server) {
      subject.dns_names = {kName};
    }
    (server ? subject.server_auth : subject.client_auth) = true;
    const auto key = crypto::PrivateKey::generate_p256();
    const auto made = crypto::issue(subject, key.public_key(), root_, key_, random_);
    CHECK(made.ok(), made.error().to_string());
    return {made->pem(), key.pem()};
  }
  std::string roots() const { return root_.pem(); }

 private:
  crypto::CertificateTemplate valid(const char* name) {
    crypto::CertificateTemplate subject;
    subject.common_name = name;
    subject.not_before = clock_.wall() - std::chrono::hours(1);
    subject.not_after = clock_.wall() + std::chrono::hours(24);
    return subject;
  }
  crypto::Certificate make_root() {
    crypto::CertificateTemplate subject = valid("authority");
    subject.ca = true;
    auto made = crypto::issue_self_signed(subject, key_, random_);
    CHECK(made.ok(), made.error().to_string());
    return std::move(*made);
  }

  const Clock& clock_;
  SystemRandom random_;
  crypto::PrivateKey key_ = crypto::PrivateKey::generate_p256();
  crypto::Certificate root_ = make_root();
};

template <class Context, class Options>
std::shared_ptr<Context> must_create(Options options) {
  auto made = Context::create(std::move(options));
  CHECK(made.ok(), made.error().to_string());
  return std::move(*made);
}

class TlsWork : public Work {
 public:
  TlsWork() {
    net::TlsClientOptions user;
    user.identity = identities_.issue(false);
    user.roots_pem = identities_.roots();
    client_ = must_create<net::TlsClientContext>(std::move(user));
    net::TlsServerOptions options;
    options.identity = identities_.issue(true);
    options.client_certificates = net::ClientCertificates::Required;
    options.client_roots_pem = identities_.roots();
    options.session_id_context = "bench";
    options.tls13_only = true;
    server_ = must_create<net::TlsServerContext>(std::move(options));
  }

 protected:
  io::Shard& shard() { return shard_; }

  // With a session of an earlier connection when there is one.
  io::Task<Ends> connect() {
    std::array<int, 2> fds{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0,
          "no pair of sockets");
    Ends ends;
    io::TaskGroup group(shard_);
    group.spawn(accept(net::Socket(fds[1], "user"), ends.server));
    auto connected = co_await net::tls_connect(shard_, net::Socket(fds[0], "hub"), client_, kName,
                                               Deadline::never());
    co_await group.join();
    CHECK(connected.ok(), connected.error().to_string());
    ends.client = std::move(*connected);
    co_return ends;
  }
  // `bytes` in one piece, or as many pieces of 64 KiB.
  io::Task<void> pass(net::Stream& from, net::Stream& to, std::size_t bytes) {
    io::TaskGroup group(shard_);
    group.spawn(send(from, bytes));
    for (std::size_t left = bytes; left > 0;) {
      const auto got = co_await to.read_some(std::span(room_).first(std::min(left, room_.size())));
      CHECK(got.ok() && *got > 0, "the other end is gone");
      left -= *got;
    }
    co_await group.join();
  }

 private:
  io::Task<void> accept(net::Socket socket, net::StreamPtr& out) {
    auto accepted = co_await net::tls_accept(
        shard_, std::move(socket),
        [this](const std::string&, const std::vector<std::string>&) { return server_; },
        Deadline::never());
    CHECK(accepted.ok(), accepted.error().to_string());
    out = std::move(*accepted);
  }
  io::Task<void> send(net::Stream& stream, std::size_t bytes) {
    for (std::size_t left = bytes; left > 0;) {
      const std::size_t size = std::min(left, piece_.size());
      const auto written = co_await stream.write_all(std::string_view(piece_).substr(0, size));
      CHECK(written.ok(), written.error().to_string());
      left -= size;
    }
  }

  SystemClock wall_;
  FakeClock clock_{wall_.wall()};  // stands still
  io::Shard shard_{clock_};
  Identities identities_{clock_};
  std::shared_ptr<net::TlsClientContext> client_;
  std::shared_ptr<net::TlsServerContext> server_;
  const std::string piece_ = std::string(64 * 1024, 't');
  std::vector<std::byte> room_ = std::vector<std::byte>(64 * 1024);
};

class Echo final : public TlsWork {
 public:
  Echo() : ends_(shard().wait_for(connect())) {}
  void run(int units) override { shard().run_until_done(echo(units)); }

 private:
  io::Task<void> echo(int units) {
    for (int i = 0; i < units; ++i) {
      co_await pass(*ends_.client, *ends_.server, 1024);
      co_await pass(*ends_.server, *ends_.client, 1024);
    }
  }
  Ends ends_;
};

class Bulk final : public TlsWork {
 public:
  Bulk() : ends_(shard().wait_for(connect())) {}
  void run(int units) override {
    shard().run_until_done(
        pass(*ends_.client, *ends_.server, static_cast<std::size_t>(units) * kMiB));
  }

 private:
  Ends ends_;
};

// A client that reads has a ticket for the next time.
template <bool Resumed>
class Handshakes final : public TlsWork {
 public:
  Handshakes() {
    if (Resumed) {
      shard().run_until_done(come_and_go(false));
    }
  }
  void run(int units) override {
    for (int i = 0; i < units; ++i) {
      shard().run_until_done(come_and_go(Resumed));
    }
  }

 private:
  io::Task<void> come_and_go(bool resumed) {
    const Ends ends = co_await connect();
    CHECK(ends.client->tls()->resumed() == resumed, "another kind of handshake was expected");
    if (Resumed) {
      co_await pass(*ends.server, *ends.client, 1);
    }
  }
};

constexpr HotPath kPaths[] = {
    {"tls-echo", "echo of 1 KiB", 256, prepare<Echo>},
    {"tls-bytes", "MiB", 8, prepare<Bulk>},
    {"tls-handshake", "full handshake", 16, prepare<Handshakes<false>>},
    {"tls-resumed", "resumed handshake", 32, prepare<Handshakes<true>>},
};

}  // namespace

std::span<const HotPath> tls_paths() { return kPaths; }

}  // namespace roadstead::bench
