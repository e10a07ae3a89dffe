// SPDX-License-Identifier: Apache-2.0
#include "cli/credential.h"

#include "base/ascii.h"
#include "base/rfc3339.h"
#include "cli/files.h"
#include "codec/base64.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

constexpr Duration kLockWait = std::chrono::seconds(40);
constexpr Duration kIssueWait = std::chrono::seconds(15);
constexpr Duration kIssueLook = std::chrono::milliseconds(150);
constexpr std::string_view kNameField = "credential: ";
constexpr std::string_view kKeyBegin = "-----BEGIN PRIVATE KEY-----";
constexpr std::string_view kKeyEnd = "-----END PRIVATE KEY-----\n";

// A login as the beginning of an object's name.
std::string name_prefix(std::string_view login) {
  std::string out;
  for (const char c : ascii::to_lower(login).substr(0, 40)) {
    const bool plain = ascii::is_lower_alpha(c) || ascii::is_digit(c);
    out += plain ? c : '-';
  }
  while (out.starts_with('-')) {
    out.erase(0, 1);
  }
  return out.empty() ? "user-" : out + '-';
}

}  // namespace

Result<ClientCredential> parse_credential(std::string_view text) {
  const std::size_t begin = text.find(kKeyBegin);
  const std::size_t end = text.find(kKeyEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return Error(ErrorKind::InvalidArgument, "holds no private key");
  }
  ClientCredential out;
  std::string_view before = text.substr(0, begin);
  if (before.starts_with(kNameField)) {
    const std::size_t line = before.find('\n');
    out.name = before.substr(kNameField.size(), line - kNameField.size());
    before.remove_prefix(line + 1);
  }
  out.certificate_pem = before;
  out.key_pem = Secret(std::string(text.substr(begin, end + kKeyEnd.size() - begin)));
  TRY(const auto chain, crypto::Certificate::chain_from_pem(out.certificate_pem));
  out.serial = chain.front().serial_hex();
  out.not_before = chain.front().not_before();
  out.not_after = chain.front().not_after();
  return out;
}

Secret credential_text(const std::string& certificate_pem, const Secret& key_pem,
                       std::string_view name) {
  std::string text;
  if (!name.empty()) {
    text.append(kNameField).append(name).append("\n");
  }
  text += certificate_pem;
  if (!text.ends_with('\n')) {
    text += '\n';
  }
  text += key_pem.reveal();
  if (!text.ends_with('\n')) {
    text += '\n';
  }
  return Secret(std::move(text));
}

Result<ClientCredential> CredentialFile::load(WallTime now) const {
  const auto text = read_file(path_);
  if (!text.ok()) {
    if (text.error().kind() == ErrorKind::NotFound) {
      return Error(ErrorKind::Unauthenticated,
                   "logged out: there is no " + path_ + "; log in again with: roadstead login");
    }
    return text.error();
  }
  auto credential = parse_credential(*text);
  if (!credential.ok()) {
    return Error(ErrorKind::Unauthenticated,
                 path_ + ": " + credential.error().message() + "; log in again: roadstead login");
  }
  if (!credential->valid(now)) {
    return Error(
        ErrorKind::Unauthenticated,
        "the login expired at " + format_rfc3339(credential->not_after) + " (the clock here says " +
            format_rfc3339(now) +
            "); ask an administrator for a code (roadstead user code YOU) and log in again "
            "with: roadstead login");
  }
  return credential;
}

Result<void> CredentialFile::store(const ClientCredential& credential) const {
  TRY_VOID(make_directories(directory_of(path_)));
  return replace_file(
      path_,
      credential_text(credential.certificate_pem, credential.key_pem, credential.name).reveal());
}

Result<ClientCredential> CredentialFile::fresh(
    const Clock& clock, const Renew& renew,
    const std::function<void(const Error&)>& complain) const {
  TRY(ClientCredential credential, load(clock.wall()));
  if (!credential.due(clock.wall())) {
    return credential;
  }
  const auto lock = FileLock::take(path_ + ".lock", clock, kLockWait);
  if (!lock.ok()) {
    complain(lock.error());
    return credential;
  }
  // Another process may have renewed it while this one waited.
  TRY(credential, load(clock.wall()));
  if (!credential.due(clock.wall())) {
    return credential;
  }
  auto renewed = renew(credential);
  if (!renewed.ok()) {
    complain(renewed.error());
    return credential;
  }
  if (const auto stored = store(*renewed); !stored.ok()) {
    complain(stored.error());
  }
  return renewed;
}

Result<ClientCredential> renew_at_hub(ApiClient& hub, Network& network, const HubContext& context) {
  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  TRY(const std::string request, crypto::CertificateSigningRequest::create_pem(key, context.login));
  json::object spec{{"username", context.login}, {"request", codec::base64_encode(request)}};
  if (context.lifetime_seconds > 0) {
    spec["expirationSeconds"] = context.lifetime_seconds;
  }
  TRY(json::value object,
      hub.post("/apis/roadstead.io/v1alpha1/credentials",
               json::object{{"apiVersion", "roadstead.io/v1alpha1"},
                            {"kind", "Credential"},
                            {"metadata", {{"generateName", name_prefix(context.login)}}},
                            {"spec", std::move(spec)}})
          .with_context("new certificate"));
  const std::string path =
      "/apis/roadstead.io/v1alpha1/credentials/" + std::string(kube::name_of(object));
  const Deadline deadline = Deadline::after(network.shard().clock(), kIssueWait);
  for (;;) {
    if (const auto data = codec::string_at(object, {"status", "certificate"}); !data.empty()) {
      TRY(const std::string pem, codec::base64_decode(data).with_context("new certificate"));
      return parse_credential(credential_text(pem, key.pem(), kube::name_of(object)).reveal());
    }
    const json::object* failed = kube::find_condition(object, "Failed");
    if (failed != nullptr && codec::string_at(*failed, {"status"}) == "True") {
      return Error(
          ErrorKind::PermissionDenied,
          "the hub issues no certificate: " + std::string(codec::string_at(*failed, {"message"})));
    }
    if (deadline.expired(network.shard().clock())) {
      return Error(ErrorKind::DeadlineExceeded, "the hub has not issued the certificate in time");
    }
    network.sleep(kIssueLook);
    TRY(object, hub.get(path).with_context("new certificate"));
  }
}

}  // namespace roadstead::cli
