// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/result.h"

namespace roadstead {
namespace {

// Order follows ErrorKind. Exit codes: 1 general, 2 usage, 3 not found, 4 denied, 5
// unauthenticated, 6 conflict, 7 unavailable or timed out, 8 network or TLS, 70 a bug (sysexits
// EX_SOFTWARE).
constexpr std::array<ErrorTraits, 20> kTable{{
    {"InvalidArgument", 400, "BadRequest", 2},
    {"Unauthenticated", 401, "Unauthorized", 5},
    {"PermissionDenied", 403, "Forbidden", 4},
    {"NotFound", 404, "NotFound", 3},
    {"AlreadyExists", 409, "AlreadyExists", 6},
    {"Conflict", 409, "Conflict", 6},
    {"Gone", 410, "Expired", 6},
    {"TooManyRequests", 429, "TooManyRequests", 7},
    {"Unavailable", 503, "ServiceUnavailable", 7},
    {"DeadlineExceeded", 504, "Timeout", 7},
    {"Cancelled", 499, "", 1},
    {"PayloadTooLarge", 413, "RequestEntityTooLarge", 2},
    {"Unsupported", 405, "MethodNotAllowed", 2},
    {"Protocol", 400, "BadRequest", 1},
    {"Tls", 502, "ServiceUnavailable", 8},
    {"Network", 502, "ServiceUnavailable", 8},
    {"EndOfStream", 502, "ServiceUnavailable", 8},
    {"Upstream", 502, "ServiceUnavailable", 7},
    {"Storage", 500, "InternalError", 1},
    {"Internal", 500, "InternalError", 70},
}};
static_assert(kTable.size() == static_cast<std::size_t>(ErrorKind::Internal) + 1);

}  // namespace

const ErrorTraits& traits(ErrorKind kind) { return kTable[static_cast<std::size_t>(kind)]; }

Error&& Error::with_context(std::string_view context) && {
  message_.insert(0, ": ").insert(0, context);
  return std::move(*this);
}

Error Error::with_kind(ErrorKind kind) && { return Error(kind, std::move(message_)); }

Error Error::with_detail(std::shared_ptr<const ErrorDetail> detail) && {
  detail_ = std::move(detail);
  return std::move(*this);
}

std::string Error::to_string() const {
  std::string out(traits(kind_).name);
  out.append(": ").append(message_);
  return out;
}

}  // namespace roadstead
