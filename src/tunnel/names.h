// SPDX-License-Identifier: Apache-2.0
// The names that Stub and Agent must agree on: TLS server names, certificate URIs, impersonated
// names. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/certificate.h"

namespace roadstead::tunnel {

// ALPN of a lane: no generic HTTP/2 stack mistakes it for its own.
inline constexpr std::string_view kAlpn = "roadstead-tunnel/1";

// TLS server names under which the hub presents its internal CA's certificate. They never appear in
// DNS; the Agent dials the endpoint's address and names the trust domain it wants.
inline constexpr std::string_view kTunnelZone = "tunnel.roadstead.internal";
inline constexpr std::string_view kEnrolmentName = "enrol.roadstead.internal";

std::string tunnel_server_name(std::string_view cluster);  // NAME.tunnel.roadstead.internal
std::optional<std::string> cluster_of_tunnel_name(std::string_view server_name);

// Who a certificate speaks for. The URI subjectAltName carries it; the common name is for people.
//   roadstead://cluster/NAME/UID      an Agent
//   roadstead://user/LOGIN/UID        a person
//   roadstead://service/NAME/UID      a controller of the hub
struct Subject {
  std::string kind;  // "cluster", "user", "service"
  std::string name;
  std::string uid;
  bool operator==(const Subject&) const = default;
};
std::string subject_uri(const Subject& subject);
// Exactly one roadstead:// URI is required.
Result<Subject> subject_of(const crypto::Certificate& certificate);

// Names under which member clusters see hub principals: `rs:LOGIN:SHORTUID`. The short uid is the
// first 8 hex digits of the uid, so a login that is made again inherits nothing.
std::string member_user_name(const Subject& subject);
// Groups stand in the certificate's organizations as NAME:UID; a member sees
// rs:group:NAME:SHORTUID. A name has no colon, so no group of a hub becomes system:anything.
Result<std::string> member_group_name(std::string_view organization);
Result<std::vector<std::string>> member_group_names(const crypto::Certificate& certificate);

}  // namespace roadstead::tunnel
