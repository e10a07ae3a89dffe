// SPDX-License-Identifier: Apache-2.0
#include "agent/hub.h"

#include "crypto/digest.h"
#include "net/tls_stream.h"
#include "tunnel/names.h"
#include "tunnel/protocol.h"

namespace roadstead::agent {
namespace {

constexpr Duration kDialTimeout = std::chrono::seconds(6);  // each address has 3 s of it
// After a restart the hub has thousands of us to answer; to come again would cost it as much again.
constexpr Duration kHandshakeTimeout = std::chrono::seconds(15);

Result<void> check_certificate(const Credentials& c, const crypto::Certificate& leaf) {
  TRY(const tunnel::Subject subject, tunnel::subject_of(leaf));
  if (subject.kind != "cluster" || subject.name != c.cluster || subject.uid != c.cluster_uid) {
    return Error(ErrorKind::Tls, "the Agent's certificate is for " + tunnel::subject_uri(subject) +
                                     ", not for cluster \"" + c.cluster + "\" (uid " +
                                     c.cluster_uid + ")");
  }
  TRY(const crypto::PrivateKey key, crypto::PrivateKey::from_pem(c.private_key_pem));
  if (key.public_key().der() != leaf.public_key().der()) {
    return Error(ErrorKind::Tls, "the Agent's certificate is not for its key");
  }
  return {};
}

}  // namespace

Result<HubIdentityPtr> HubIdentity::make(const Credentials& c,
                                         const std::optional<net::HostPort>& hub) {
  TRY(net::HostPort stored, net::parse_host_port(c.hub, "8443"));
  TRY(std::vector<crypto::Certificate> chain,
      crypto::Certificate::chain_from_pem(c.certificate_pem));
  TRY_VOID(check_certificate(c, chain.front()));
  TRY(std::vector<crypto::Certificate> user_roots,
      crypto::Certificate::chain_from_pem(c.user_roots_pem, 100));
  net::TlsClientOptions options;
  options.roots_pem = c.hub_roots_pem;
  options.identity = net::TlsIdentity{c.certificate_pem, c.private_key_pem};
  options.alpn = {std::string(tunnel::kAlpn)};
  options.tls13_only = true;
  TRY(auto context, net::TlsClientContext::create(std::move(options)));
  auto trust = std::make_shared<PinnedTrust>();
  trust->user_roots = std::move(user_roots);
  trust->audience = c.cluster_uid;
  const net::HostPort address = hub.value_or(std::move(stored));
  std::string content = net::format_host_port(address) + '\n' + c.cluster + '\n' + c.cluster_uid +
                        '\n' + c.hub_roots_pem + '\n' + c.user_roots_pem + '\n' + c.certificate_pem;
  return std::make_shared<const HubIdentity>(
      HubIdentity{address, c.cluster, std::move(chain.front()), std::move(context),
                  std::move(trust), crypto::sha256_hex(content)});
}

io::Task<Result<net::StreamPtr>> TlsHubDialer::connect(
    net::HostPort hub, std::shared_ptr<net::TlsClientContext> context, std::string server_name) {
  CO_TRY(net::Socket socket,
         co_await net::dial_through(shard_, resolver_, proxy_, std::move(hub),
                                    Deadline::after(shard_.clock(), kDialTimeout)));
  co_return co_await net::tls_connect(shard_, std::move(socket), std::move(context),
                                      std::move(server_name),
                                      Deadline::after(shard_.clock(), kHandshakeTimeout));
}

io::Task<Result<net::StreamPtr>> TlsHubDialer::dial_lane(HubIdentityPtr identity) {
  CO_TRY(net::StreamPtr stream, co_await connect(identity->hub, identity->context,
                                                 tunnel::tunnel_server_name(identity->cluster)));
  if (stream->tls()->alpn() != tunnel::kAlpn) {
    stream->close();
    co_return Error(ErrorKind::Protocol, "the other side does not speak " +
                                             std::string(tunnel::kAlpn) + "; is it the hub?");
  }
  co_return stream;
}

io::Task<Result<net::StreamPtr>> TlsHubDialer::dial_enrolment(net::HostPort hub,
                                                              std::string hub_roots_pem) {
  net::TlsClientOptions options;
  options.roots_pem = std::move(hub_roots_pem);
  options.alpn = {"http/1.1"};
  options.tls13_only = true;
  CO_TRY(auto context, net::TlsClientContext::create(std::move(options)));
  co_return co_await connect(std::move(hub), std::move(context),
                             std::string(tunnel::kEnrolmentName));
}

}  // namespace roadstead::agent
