// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>

#include "base/rfc3339.h"
#include "crypto/certificate.h"
#include "crypto/native.h"

namespace roadstead::crypto {
namespace {

constexpr std::size_t kMaxChain = 10;

std::string quoted(const Certificate& c) {
  return "certificate \"" +
         (!c.common_name().empty() || c.dns_names().empty() ? c.common_name()
                                                            : c.dns_names().front()) +
         "\"";
}

std::string_view purpose_text(Purpose purpose) {
  return purpose == Purpose::ClientAuth ? "client authentication" : "server authentication";
}

std::string validity_text(const Certificate& c, WallTime now, bool expired) {
  const std::string present =
      "it is " + format_rfc3339(now) + " on this machine's clock (compare it with the right time)";
  return expired ? quoted(c) + " expired at " + format_rfc3339(c.not_after()) + "; " + present
                 : quoted(c) + " is not valid before " + format_rfc3339(c.not_before()) + "; " +
                       present;
}

std::string issuer_text(const Certificate& c, const std::vector<Certificate>& roots) {
  std::string names;
  for (const Certificate& root : roots) {
    if (root.subject() == c.issuer()) {
      return quoted(c) + " is issued by \"" + c.issuer() +
             "\"; an authority of this name is trusted, but with another key (was it replaced?)";
    }
    if (names.size() < 500) {
      names.append(names.empty() ? "\"" : ", \"").append(root.subject()).append("\"");
    }
  }
  return quoted(c) + " is issued by \"" + c.issuer() + "\", which is not a trusted authority (" +
         (names.empty() ? "none is" : "trusted: " + names) + ")";
}

struct Inputs {
  const std::vector<Certificate>& roots;
  WallTime now;
  Purpose purpose;
};

ChainProblem explain(X509_STORE_CTX* context, const Inputs& in) {
  const int code = X509_STORE_CTX_get_error(context);
  X509* at = X509_STORE_CTX_get_current_cert(context);
  const char* library_text = X509_verify_cert_error_string(code);
  if (at == nullptr) {
    return {ChainFault::Other, library_text};
  }
  const auto read = certificate_from_x509(bssl::UpRef(at));
  if (!read.ok()) {
    return {ChainFault::Other, read.error().message()};
  }
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {ChainFault::Expired, validity_text(*read, in.now, true)};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {ChainFault::NotYetValid, validity_text(*read, in.now, false)};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return {ChainFault::UnknownIssuer, issuer_text(*read, in.roots)};
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {ChainFault::UnknownIssuer, "the signature of " + quoted(*read) +
                                             " is not by the key of \"" + read->issuer() +
                                             "\" as it is trusted here"};
    case X509_V_ERR_INVALID_PURPOSE:
      return {ChainFault::WrongPurpose, quoted(*read) + " may not be used for " +
                                            std::string(purpose_text(in.purpose)) +
                                            " (extended key usage)"};
    case X509_V_ERR_INVALID_CA:
      return {ChainFault::WrongPurpose,
              quoted(*read) + " is not an authority, but stands as the issuer of another"};
    default:
      return {ChainFault::Other, quoted(*read) + ": " + library_text};
  }
}

// What AWS-LC leaves to its user: strong keys everywhere, strong signatures below the anchor, and
// the path length of a self-signed anchor.
std::optional<ChainProblem> check_built(const STACK_OF(X509) * built) {
  const std::size_t count = sk_X509_num(built);
  for (std::size_t i = 0; i < count; ++i) {
    X509* x509 = sk_X509_value(built, i);
    Result<void> good = check_key_strength(X509_get0_pubkey(x509));
    if (good.ok() && (i + 1 < count || count == 1)) {
      good = check_signature_algorithm(X509_get_signature_nid(x509));
    }
    const long path_length = X509_get_pathlen(x509);
    if (good.ok() && path_length >= 0 && i > static_cast<std::size_t>(path_length) + 1) {
      return ChainProblem{ChainFault::Other,
                          "more authorities below another than its path length allows"};
    }
    if (!good.ok()) {
      const auto read = certificate_from_x509(bssl::UpRef(x509));
      return ChainProblem{ChainFault::Weak, (read.ok() ? quoted(*read) : "a certificate") + ": " +
                                                good.error().message()};
    }
  }
  return std::nullopt;
}

bssl::UniquePtr<STACK_OF(X509)> stack_of(const std::vector<Certificate>& certificates,
                                         std::size_t from) {
  bssl::UniquePtr<STACK_OF(X509)> out(sk_X509_new_null());
  for (std::size_t i = from; i < certificates.size(); ++i) {
    CHECK(bssl::PushToStack(out.get(), bssl::UpRef(certificates[i].impl().x509)), "out of memory");
  }
  return out;
}

int native(Purpose purpose) {
  switch (purpose) {
    case Purpose::ClientAuth:
      return X509_PURPOSE_SSL_CLIENT;
    case Purpose::ServerAuth:
      return X509_PURPOSE_SSL_SERVER;
    case Purpose::Any:
      break;
  }
  return X509_PURPOSE_ANY;
}

}  // namespace

std::optional<ChainProblem> check_chain(const std::vector<Certificate>& chain,
                                        const std::vector<Certificate>& roots, WallTime now,
                                        Purpose purpose) {
  if (chain.empty() || chain.size() > kMaxChain) {
    return ChainProblem{ChainFault::Other, chain.empty() ? "no certificate was presented"
                                                         : "more than 10 certificates in a chain"};
  }
  const auto untrusted = stack_of(chain, 1);
  const auto trusted = stack_of(roots, 0);
  const bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  CHECK(store != nullptr && context != nullptr &&
            X509_STORE_CTX_init(context.get(), store.get(), chain[0].impl().x509.get(),
                                untrusted.get()) == 1,
        "out of memory");
  X509_STORE_CTX_set0_trusted_stack(context.get(), trusted.get());
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time_posix(
      rules, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  // Each given root is an anchor, self-signed or not.
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_depth(rules, kMaxChain);
  CHECK(X509_VERIFY_PARAM_set_purpose(rules, native(purpose)) == 1, "unknown purpose");

  std::optional<ChainProblem> problem;
  if (X509_verify_cert(context.get()) != 1) {
    problem = explain(context.get(), {roots, now, purpose});
  } else {
    problem = check_built(X509_STORE_CTX_get0_chain(context.get()));
  }
  ERR_clear_error();
  return problem;
}

Result<void> verify_chain(const std::vector<Certificate>& chain,
                          const std::vector<Certificate>& roots, WallTime now, Purpose purpose) {
  auto problem = check_chain(chain, roots, now, purpose);
  if (problem.has_value()) {
    return Error(ErrorKind::Tls, std::move(problem->message));
  }
  return {};
}

}  // namespace roadstead::crypto
