// SPDX-License-Identifier: Apache-2.0
#include "net/connect_fault.h"

namespace roadstead::net {
namespace {

class FaultDetail final : public ErrorDetail {
 public:
  explicit FaultDetail(ConnectFault f) : fault(f) {}
  const ConnectFault fault;
};

}  // namespace

Error with_fault(Error error, ConnectFault fault) {
  return std::move(error).with_detail(std::make_shared<const FaultDetail>(fault));
}

std::optional<ConnectFault> fault_of(const Error& error) {
  const auto* detail = dynamic_cast<const FaultDetail*>(error.detail());
  return detail != nullptr ? std::optional(detail->fault) : std::nullopt;
}

}  // namespace roadstead::net
