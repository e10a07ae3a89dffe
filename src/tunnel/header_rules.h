// SPDX-License-Identifier: Apache-2.0
// Which header fields cross the tunnel. Both ends apply the same rules, so that neither has to
// trust the other's care. Identity fields are never copied: the Agent builds them last.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"

namespace roadstead::tunnel {

// The name with '_' read as '-': some servers fold them.
std::string fold_name(std::string_view name);

// Impersonate-User and everything else of that family, known today or not, in any spelling.
bool is_impersonation_field(std::string_view name);

// The first impersonation field of a request, or one smuggled in through `connection`.
std::optional<std::string> find_impersonation(const http::Headers& headers);

// Removes what must not go from a user to a member's API server: first everything named in
// `connection`, then hop-by-hop fields (RFC 9110 section 7.6.1), credentials, identities that a
// front proxy would set, cookies, host, and our own rs- fields.
void strip_request(http::Headers& headers);

// Removes from a member's answer hop-by-hop fields, our own, and what would give a member power
// over the hub's origin in a browser.
void strip_response(http::Headers& headers);

// A redirect may only stay on the member's own API server: a path, never another host.
Result<void> check_redirect(int status, const http::Headers& headers);

// "websocket" or "spdy/3.1" in lower case; InvalidArgument for any other upgrade token.
Result<std::string> upgrade_protocol(const http::Headers& headers);

}  // namespace roadstead::tunnel
