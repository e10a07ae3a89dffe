// SPDX-License-Identifier: Apache-2.0
// The Stub's own answers, as Kubernetes Status objects that kubectl prints well, and the wording of
// what an Agent reports. client-go repeats any verb on a 5xx with Retry-After, so that field is
// sent only when the request provably never left the hub and the cluster is connected.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "kube/status.h"

namespace roadstead::stub {

io::Task<void> answer_status(http::ServerExchange& exchange, kube::Status status);

kube::Status offline(std::string_view cluster);     // 503, fails at once
kube::Status lanes_busy(std::string_view cluster);  // 503 with Retry-After: never sent
kube::Status too_many_requests(std::string_view cluster, const Error& why);  // 429: never sent
kube::Status lost_before_answer(std::string_view cluster, bool write);  // 502, or 504 for a write
// From the Agent's rs-error code and words.
kube::Status agent_error(std::string_view cluster, std::string_view code, std::string_view words,
                         bool write);
kube::Status identity_error(std::string_view cluster, const Error& error);

}  // namespace roadstead::stub
