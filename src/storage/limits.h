// SPDX-License-Identifier: Apache-2.0
// What a store takes and keeps waiting, the same for every backend.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "storage/object_store.h"

namespace roadstead::storage {

inline constexpr std::size_t kMaxValueBytes = 8u << 20;  // of an object or a sealed blob
inline constexpr std::size_t kMaxKeyBytes = 1024;        // resource and path together
inline constexpr std::size_t kMaxPageBytes = 16u << 20;  // a list page or a run of changes
inline constexpr std::size_t kMaxBatchWrites = 1000;     // in one transaction
inline constexpr std::size_t kMaxBatchBytes = 16u << 20;

// Keys are UTF-8 without control characters; a namespace has no '/'.
Result<void> check_key(const Key& key);
Result<void> check_secret_name(const std::string& name);
Result<void> check_value(std::size_t bytes);

// Ends an answer before it is too big; a single item always fits.
class PageBudget {
 public:
  // False when the page must end before this item.
  bool take(std::size_t bytes) {
    used_ += bytes;
    const bool fits = first_ || used_ <= kMaxPageBytes;
    first_ = false;
    return fits;
  }

 private:
  std::size_t used_ = 0;
  bool first_ = true;
};

}  // namespace roadstead::storage
