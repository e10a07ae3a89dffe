// SPDX-License-Identifier: Apache-2.0
// Certificates and connected TLS pairs for the tests of net/.
#pragma once

#include "base/random.h"
#include "crypto/certificate.h"
#include "net/net_test_support.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"

namespace roadstead::net::test {

struct Validity {
  WallTime from;
  WallTime to;
};

inline Validity valid_now() {
  const WallTime now = SystemClock().wall();
  return {now - std::chrono::hours(1), now + std::chrono::hours(24)};
}

// A certificate authority of one test.
class TestCa {
 public:
  explicit TestCa(const std::string& name, Validity validity = valid_now())
      : key_(crypto::PrivateKey::generate_p256()), certificate_(make(name, validity)) {}

  std::string pem() const { return certificate_.pem(); }
  std::string fingerprint() const { return certificate_.fingerprint(); }

  TlsIdentity server(std::vector<std::string> dns, std::vector<std::string> ips = {},
                     Validity validity = valid_now()) {
    crypto::CertificateTemplate subject;
    subject.common_name = "server";
    subject.dns_names = std::move(dns);
    subject.ip_addresses = std::move(ips);
    subject.server_auth = true;
    return issue(std::move(subject), validity);
  }

  TlsIdentity client(const std::string& name, Validity validity = valid_now()) {
    crypto::CertificateTemplate subject;
    subject.common_name = name;
    subject.client_auth = true;
    return issue(std::move(subject), validity);
  }

 private:
  crypto::Certificate make(const std::string& name, Validity validity) {
    crypto::CertificateTemplate subject;
    subject.common_name = name;
    subject.not_before = validity.from;
    subject.not_after = validity.to;
    subject.ca = true;
    auto made = crypto::issue_self_signed(subject, key_, random_);
    CHECK(made.ok(), made.error().message());
    return std::move(*made);
  }

  TlsIdentity issue(crypto::CertificateTemplate subject, Validity validity) {
    subject.not_before = validity.from;
    subject.not_after = validity.to;
    const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
    auto made = crypto::issue(subject, key.public_key(), certificate_, key_, random_);
    CHECK(made.ok(), made.error().message());
    return {made->pem(), key.pem()};
  }

  SystemRandom random_;
  crypto::PrivateKey key_;
  crypto::Certificate certificate_;
};

template <class Context, class Options>
std::shared_ptr<Context> must_create(Options options) {
  auto made = Context::create(std::move(options));
  CHECK(made.ok(), made.error().message());
  return *made;
}

inline ServerContextSelector always(std::shared_ptr<TlsServerContext> context) {
  return [context](const std::string&, const std::vector<std::string>&) { return context; };
}

struct TlsOutcome {
  Result<StreamPtr> client = Error(ErrorKind::Internal, "not run");
  Result<StreamPtr> server = Error(ErrorKind::Internal, "not run");
};

inline io::Task<void> accept_tls_into(io::Shard& shard, Socket socket,
                                      ServerContextSelector selector, Result<StreamPtr>& out) {
  out = co_await tls_accept(shard, std::move(socket), std::move(selector), soon(shard));
}

inline io::Task<TlsOutcome> tls_pair(io::Shard& shard, ServerContextSelector selector,
                                     std::shared_ptr<TlsClientContext> client,
                                     std::string server_name) {
  SocketPair sockets = co_await socket_pair(shard);
  TlsOutcome out;
  io::TaskGroup group(shard);
  group.spawn(accept_tls_into(shard, std::move(sockets.b), std::move(selector), out.server));
  out.client = co_await tls_connect(shard, std::move(sockets.a), std::move(client),
                                    std::move(server_name), soon(shard));
  co_await group.join();
  co_return out;
}

inline io::Task<std::string> read_exactly(Stream& stream, std::size_t size) {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const Result<std::size_t> n =
        co_await stream.read_some(std::as_writable_bytes(std::span(out).subspan(have)));
    if (!n.ok() || *n == 0) {
      break;
    }
    have += *n;
  }
  out.resize(have);
  co_return out;
}

}  // namespace roadstead::net::test
