// SPDX-License-Identifier: Apache-2.0
// X.509 certificates and signing requests: reading, issuing, verifying chains (RFC 5280).
// Immutable values, usable from any thread. Parsing limits: 64 KiB a certificate, 10 in a chain.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/key.h"

namespace roadstead::crypto {

class Certificate {
 public:
  static Result<Certificate> from_der(std::string_view der);
  // At least one; blocks of other kinds are passed over. A bundle of roots may allow more.
  static Result<std::vector<Certificate>> chain_from_pem(std::string_view pem,
                                                         std::size_t max_count = 10);
  std::string der() const;
  std::string pem() const;

  const std::string& common_name() const;
  const std::vector<std::string>& organizations() const;  // Kubernetes groups
  const std::vector<std::string>& dns_names() const;
  const std::vector<std::string>& ip_addresses() const;  // textual
  const std::vector<std::string>& uris() const;          // roadstead:// names
  const std::string& serial_hex() const;                 // lower case, no leading zeros
  std::string fingerprint() const;                       // SHA-256 of the DER, lower-case hex
  std::string issuer() const;                            // RFC 2253 text, for messages
  std::string subject() const;                           // the same
  WallTime not_before() const;
  WallTime not_after() const;
  bool is_ca() const;
  PublicKey public_key() const;

  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

enum class Purpose : unsigned char { ClientAuth, ServerAuth, Any };

// Verifies leaf (first of `chain`) up to one of `roots` at time `now`. Error kind Tls; the message
// says which rule failed and names both times when it is validity (a wrong clock is common).
// Each root is an anchor, self-signed or not. Weak keys and signatures (SHA-1, MD5) are refused.
Result<void> verify_chain(const std::vector<Certificate>& chain,
                          const std::vector<Certificate>& roots, WallTime now, Purpose purpose);

// The same, for callers that show the reason: nothing when the chain is good.
enum class ChainFault : unsigned char {
  Expired,
  NotYetValid,
  UnknownIssuer,  // or its key is another one
  WrongPurpose,
  Weak,
  Other
};
struct ChainProblem {
  ChainFault fault;
  std::string message;
};
std::optional<ChainProblem> check_chain(const std::vector<Certificate>& chain,
                                        const std::vector<Certificate>& roots, WallTime now,
                                        Purpose purpose);

struct CertificateTemplate {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> uris;
  WallTime not_before;
  WallTime not_after;
  bool ca = false;
  int path_length = 0;  // of an authority: how many others may stand below it
  bool client_auth = false;
  bool server_auth = false;
};

// Refuses CR, LF, NUL and other control characters in any name, a leaf without a name or a purpose,
// and an issuer that is no CA or whose key is another one. Times are cut to whole seconds.
Result<Certificate> issue(const CertificateTemplate& subject, const PublicKey& subject_key,
                          const Certificate& issuer, const PrivateKey& issuer_key, Random& random);
Result<Certificate> issue_self_signed(const CertificateTemplate& subject, const PrivateKey& key,
                                      Random& random);

class CertificateSigningRequest {
 public:
  // Made with the key; only the common name and organizations are carried, as a request.
  static Result<std::string> create_pem(const PrivateKey& key, std::string_view common_name,
                                        const std::vector<std::string>& organizations = {});
  // Verifies the request's own signature (proof of possession) and the key's strength.
  static Result<CertificateSigningRequest> from_pem(std::string_view pem);
  const PublicKey& public_key() const { return key_; }
  const std::string& common_name() const { return common_name_; }

 private:
  CertificateSigningRequest(PublicKey key, std::string name)
      : key_(std::move(key)), common_name_(std::move(name)) {}
  PublicKey key_;
  std::string common_name_;
};

}  // namespace roadstead::crypto
