// SPDX-License-Identifier: Apache-2.0
// CHECK ends the process when an invariant of ours is broken. Input from outside is never CHECKed:
// that is an Error.
#pragma once

#include <string_view>

namespace roadstead {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view detail);
}  // namespace roadstead

#define CHECK(condition, detail)                                           \
  do {                                                                     \
    if (!(condition)) [[unlikely]] {                                       \
      ::roadstead::check_failed(__FILE__, __LINE__, #condition, (detail)); \
    }                                                                      \
  } while (false)
