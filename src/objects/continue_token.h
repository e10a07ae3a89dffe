// SPDX-License-Identifier: Apache-2.0
// The `continue` of a list, in the form of apiserver/pkg/storage/continue.go: base64url of
// {"v":"meta.k8s.io/v1","rv":R,"start":"/PATH\0"}. Opaque to clients; checked when it comes back.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "objects/object.h"

namespace roadstead::objects {

struct ContinueToken {
  Revision revision = 0;
  std::string after;  // path of the last object that was given
};

std::string encode_continue(const ContinueToken& token);
Result<ContinueToken> decode_continue(std::string_view text);

}  // namespace roadstead::objects
