// SPDX-License-Identifier: Apache-2.0
#include "agent/api_server_link.h"

namespace roadstead::agent {
namespace {

Result<void> check_impersonates(const http::RequestHead& head) {
  if (head.headers.count("impersonate-user") != 1 ||
      head.headers.find("impersonate-user")->empty()) {
    return Error(ErrorKind::PermissionDenied, "a user's request without a user is never sent");
  }
  return {};
}

}  // namespace

io::Task<Result<http::ClientExchangePtr>> UserUpstream::open(http::RequestHead head, bool end,
                                                             bool long_running, Deadline deadline) {
  CO_TRY_VOID(check_impersonates(head));
  co_return co_await link_.open(std::move(head), end, long_running, deadline);
}

io::Task<Result<http::ClientExchangePtr>> UserUpstream::open_upgrade(http::RequestHead head,
                                                                     Deadline deadline) {
  CO_TRY_VOID(check_impersonates(head));
  co_return co_await link_.open_upgrade(std::move(head), deadline);
}

}  // namespace roadstead::agent
