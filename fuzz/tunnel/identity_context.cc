// SPDX-License-Identifier: Apache-2.0
// What a hub may post as an identity: nothing is accepted without a certificate, and a number and a
// digest always have their form. And the fields that must not cross.
#include "tunnel/identity_context.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/ascii.h"
#include "base/check.h"
#include "tunnel/header_rules.h"
#include "tunnel/names.h"

namespace {

using namespace roadstead;

void check_context(std::string_view text) {
  const auto context = tunnel::IdentityContext::from_json(text);
  if (!context.ok()) {
    return;
  }
  const std::string field = context->field_value();
  CHECK(field.size() == 33 && field[16] == '.', field);
  const auto again = tunnel::IdentityContext::from_json(codec::write_json(context->to_json()));
  CHECK(again.ok() && again->digest() == context->digest(), "reads back");
  const tunnel::ContextRules rules{{}, context->audience, {}};
  CHECK(
      !tunnel::verify_context(*context, rules, WallTime(std::chrono::seconds(1'800'000'000))).ok(),
      "no authority, no identity");
}

// Lines of "name: value".
http::Headers fields_of(std::string_view text) {
  http::Headers headers;
  for (const std::string_view line : ascii::split(text, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && http::is_token(line.substr(0, colon)) &&
        http::is_field_value(line.substr(colon + 1))) {
      headers.add(ascii::to_lower(line.substr(0, colon)), std::string(line.substr(colon + 1)));
    }
  }
  return headers;
}

void check_headers(std::string_view text) {
  http::Headers request = fields_of(text);
  http::Headers response = request;
  (void)tunnel::find_impersonation(request);
  (void)tunnel::upgrade_protocol(request);
  tunnel::strip_request(request);
  for (const http::Header& h : request) {
    const std::string name = tunnel::fold_name(ascii::to_lower(h.name));
    CHECK(!name.starts_with("impersonate") && !name.starts_with("rs-") &&
              !name.starts_with("x-remote-") && name != "authorization" && name != "cookie" &&
              name != "connection" && name != "transfer-encoding" && name != "upgrade",
          h.name);
  }
  (void)tunnel::check_redirect(302, response);
  tunnel::strip_response(response);
  for (const http::Header& h : response) {
    CHECK(h.name != "set-cookie" && h.name != "connection" && !h.name.starts_with("rs-"), h.name);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_context(text);
  check_headers(text);
  if (const auto cluster = tunnel::cluster_of_tunnel_name(text)) {
    CHECK(tunnel::tunnel_server_name(*cluster) == text, *cluster);
  }
  return 0;
}
