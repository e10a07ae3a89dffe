// SPDX-License-Identifier: Apache-2.0
// A principal is an authenticated person or service. Immutable and shared; usable from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/certificate.h"
#include "tunnel/names.h"

namespace roadstead::identity {

struct Principal {
  tunnel::Subject subject;  // kind, login, uid
  bool administrator = false;
  std::vector<std::string> groups;  // names at the hub
  // As members see them: those of the certificate that the person still belongs to.
  std::vector<std::string> member_groups;
  std::vector<crypto::Certificate> chain;  // what proved it; empty for services inside the hub
  std::string credential_serial;
  WallTime expires{};
  std::string fingerprint;  // of the leaf; identifies the credential
};

using PrincipalPtr = std::shared_ptr<const Principal>;

}  // namespace roadstead::identity
