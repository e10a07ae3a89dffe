// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <string.h>

namespace roadstead {

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    value_ = other.value_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = std::exchange(other.value_, {});
  }
  return *this;
}

bool Secret::equals(std::string_view other) const {
  if (other.size() != value_.size()) {
    return false;
  }
  unsigned char difference = 0;
  for (std::size_t i = 0; i < other.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (value_[i] ^ other[i]));
  }
  return difference == 0;
}

void Secret::wipe() {
  if (!value_.empty()) {
    explicit_bzero(value_.data(), value_.size());
  }
}

}  // namespace roadstead
