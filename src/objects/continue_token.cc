// SPDX-License-Identifier: Apache-2.0
#include "objects/continue_token.h"

#include "codec/base64.h"
#include "kube/status.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kVersion = "meta.k8s.io/v1";

}  // namespace

std::string encode_continue(const ContinueToken& token) {
  json::object out;
  out["v"] = kVersion;
  out["rv"] = token.revision;
  out["start"] = "/" + token.after + std::string(1, '\0');
  return codec::base64url_encode(codec::write_json(out));
}

Result<ContinueToken> decode_continue(std::string_view text) {
  const auto invalid = [](std::string_view why) {
    return kube::bad_request("invalid continue token: continue key is not valid: " +
                             std::string(why));
  };
  auto bytes = codec::base64url_decode(text);
  if (!bytes.ok()) {
    return invalid("illegal base64 data at input byte 0");
  }
  const auto parsed = codec::parse_json(*bytes);
  if (!parsed.ok() || codec::string_at(*parsed, {"v"}) != kVersion) {
    return invalid("encoded in an unknown version");
  }
  ContinueToken token;
  const std::int64_t revision = codec::int_at(*parsed, {"rv"}, -1);
  token.after = codec::string_at(*parsed, {"start"});
  if (token.after.empty()) {
    return invalid("encoded start key empty (version " + std::string(kVersion) + ")");
  }
  if (revision <= 0 || !token.after.ends_with('\0') || !token.after.starts_with('/')) {
    return invalid("the token is incomplete");
  }
  token.revision = static_cast<Revision>(revision);
  token.after.pop_back();
  token.after.erase(0, 1);
  return token;
}

}  // namespace roadstead::objects
