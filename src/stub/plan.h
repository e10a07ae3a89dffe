// SPDX-License-Identifier: Apache-2.0
// What the Stub makes of a user's request before anything is sent: the head for the lane, and the
// facts that retry, audit and policy decide by. Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "http/message.h"
#include "kube/request_info.h"

namespace roadstead::stub {

struct Plan {
  http::RequestHead head;  // for the lane; rs-identity is still missing
  kube::RequestInfo info;
  std::string upgrade;  // "", "websocket", "spdy/3.1"
  bool watch = false;
  // GET, HEAD or OPTIONS without a body, no upgrade, and not through */proxy/, whose backends may
  // do anything on a GET: may be sent a second time although the first may have been processed.
  bool repeatable = false;
};

// `target` is the path inside the member cluster. Errors are what the user is told: impersonation
// headers, dot segments, unknown upgrades, a browser navigating into a member.
Result<Plan> make_plan(http::RequestHead request, std::string_view target, bool body_empty,
                       const std::string& audit_id);

}  // namespace roadstead::stub
