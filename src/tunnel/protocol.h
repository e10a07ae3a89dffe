// SPDX-License-Identifier: Apache-2.0
// What travels on a lane besides users' bytes. The Stub is the HTTP/2 client, the Agent the server.
//
//   :scheme roadstead, POST /v1/control    one long stream for each lane; messages both ways
//   :scheme roadstead, POST /v1/identity   opens or renews an identity context
//   :scheme https                          a user's request, with rs-identity
//   CONNECT, :protocol websocket|spdy/3.1  a user's upgrade (RFC 8441), with rs-identity, rs-method
//
// Users control neither :scheme nor :authority nor any rs- field: the Stub builds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "net/stream.h"

namespace roadstead::tunnel {

inline constexpr std::string_view kControlScheme = "roadstead";
inline constexpr std::string_view kUserScheme = "https";
inline constexpr std::string_view kControlPath = "/v1/control";
inline constexpr std::string_view kIdentityPath = "/v1/identity";
inline constexpr std::string_view kAuthority = "member";

// Field names of our own start with "rs-"; both ends remove all others of that prefix.
inline constexpr std::string_view kFieldPrefix = "rs-";
inline constexpr std::string_view kIdentityField = "rs-identity";  // "<id hex>.<digest hex>"
inline constexpr std::string_view kMethodField = "rs-method";      // an upgrade's own method
inline constexpr std::string_view kUpgradedField = "rs-upgraded";  // the API server answered 101
inline constexpr std::string_view kErrorField = "rs-error";        // an answer of the Agent itself

// Values of rs-error: what the Agent could not do, so that the Stub words the user's Status.
inline constexpr std::string_view kErrorUnknownIdentity = "unknown-identity";  // not processed
inline constexpr std::string_view kErrorRefusedIdentity = "refused-identity";  // local deny list
inline constexpr std::string_view kErrorRefusedRequest = "refused-request";
inline constexpr std::string_view kErrorUnreachable = "apiserver-unreachable";  // not processed
inline constexpr std::string_view kErrorFailed = "apiserver-failed";            // perhaps processed
inline constexpr std::string_view kErrorCredential = "agent-credential";        // upstream said 401

inline constexpr std::uint32_t kProtocolVersion = 1;
inline constexpr std::size_t kMaxMessageBytes = 256 * 1024;
// A lane's other side always reads, so one that does not acknowledge is gone.
inline constexpr Duration kUnacknowledgedLimit = std::chrono::seconds(15);
// What a keystroke waits for behind bulk data of the same lane, besides what the path holds.
inline constexpr net::UnsentBounds kUnsentBounds{.least = 256 * 1024, .most = 4 * 1024 * 1024};
inline constexpr Duration kContextLifetime = std::chrono::seconds(60);
inline constexpr Duration kContextGrace = std::chrono::seconds(5);
inline constexpr std::size_t kMaxContexts = 4096;  // on one lane

// A control message: a JSON object with "type", preceded by its length in four bytes, big-endian.
// Unknown types and unknown fields are ignored (version negotiation, design of the hello).
std::string frame_message(const codec::json::object& message);

class MessageReader {
 public:
  // Takes bytes in any slicing; Protocol error on a message over kMaxMessageBytes, on text that is
  // no JSON object, or without "type". The reader is unusable after an error.
  Result<std::vector<codec::json::object>> feed(std::string_view bytes);

 private:
  std::string buffer_;
};

// First message in both directions.
struct Hello {
  std::uint32_t version = kProtocolVersion;  // highest spoken; the lower of both is used
  std::vector<std::string> capabilities;     // words; unknown ones are ignored
  std::string software;                      // "roadstead-agent 0.1.0"
  // From the Agent:
  std::string replica;                    // pod name
  std::string lane_purpose;               // "primary", "bulk", "shard"
  std::string api_server_ca_fingerprint;  // SHA-256 of the CA bundle it trusts
  std::string kubernetes_version;         // "" while unknown
  std::string cluster_uid;                // uid of kube-system; "" while unknown
  std::string platform;                   // "linux/amd64"
  // From the hub:
  std::string cluster;
  std::string hub_instance;
  std::int64_t wall_milliseconds = 0;  // clock offset is reported, never used for lifetimes

  codec::json::object to_json() const;
  static Result<Hello> from_json(const codec::json::object& message);
};

// Agent → hub, whenever it changes and every 10 s: what its last real round trip found.
struct ApiServerReport {
  bool reachable = false;
  std::string version;
  std::string message;  // evidence when not reachable
  std::int64_t age_milliseconds = 0;
  std::string cluster_uid;

  codec::json::object to_json() const;
  static Result<ApiServerReport> from_json(const codec::json::object& message);
};

std::string_view message_type(const codec::json::object& message);

}  // namespace roadstead::tunnel
