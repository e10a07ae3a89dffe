// SPDX-License-Identifier: Apache-2.0
#include "storage/limits.h"

#include <algorithm>

#include "base/utf8.h"

namespace roadstead::storage {
namespace {

bool is_text(std::string_view text) {
  return utf8::valid(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

Error too_long(const char* what, std::size_t bytes, std::size_t most) {
  return Error(ErrorKind::PayloadTooLarge, std::string(what) + " has " + std::to_string(bytes) +
                                               " bytes, at most " + std::to_string(most) +
                                               " can be stored");
}

}  // namespace

Result<void> check_key(const Key& key) {
  const std::size_t bytes = key.resource.size() + key.namespace_.size() + key.name.size() + 1;
  if (bytes > kMaxKeyBytes) {
    return too_long("the key", bytes, kMaxKeyBytes);
  }
  if (key.resource.empty() || key.name.empty() || !is_text(key.resource) ||
      !is_text(key.namespace_) || !is_text(key.name) ||
      key.namespace_.find('/') != std::string::npos ||
      (key.namespace_.empty() && key.name.find('/') != std::string::npos)) {
    return Error(ErrorKind::InvalidArgument, "the key of the object is not valid");
  }
  return {};
}

Result<void> check_secret_name(const std::string& name) {
  if (name.size() > kMaxKeyBytes) {
    return too_long("the secret's name", name.size(), kMaxKeyBytes);
  }
  if (name.empty() || !is_text(name)) {
    return Error(ErrorKind::InvalidArgument, "the name of the secret is not valid");
  }
  return {};
}

Result<void> check_value(std::size_t bytes) {
  if (bytes > kMaxValueBytes) {
    return too_long("the value", bytes, kMaxValueBytes);
  }
  return {};
}

}  // namespace roadstead::storage
