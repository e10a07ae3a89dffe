// SPDX-License-Identifier: Apache-2.0
// Why the Agent has no connection, told apart for people: what failed, the evidence, what to do.
// Plain values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace roadstead::agent {

struct Failure {
  std::string reason;   // a stable code in CamelCase
  std::string message;  // what was seen
  std::string fix;      // what to do

  std::string to_text() const;  // for the termination message
  bool operator==(const Failure&) const = default;
};

// A connection or handshake with the hub that failed.
Failure explain_hub_failure(const Error& error, const std::string& hub);
// An answer of the hub's enrolment endpoint.
Failure explain_enrolment_failure(const Error& error, const std::string& cluster);
// A call to the member's own API server.
Failure explain_api_server_failure(const Error& error, const std::string& origin);

}  // namespace roadstead::agent
