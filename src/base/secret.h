// SPDX-License-Identifier: Apache-2.0
// A string that never prints itself: every formatting path shows `***`. Wiped when destroyed.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace roadstead {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::exchange(other.value_, {})) {}
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  // The only way out; grep for it to find every use.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

  // Takes time that depends on the lengths only.
  bool equals(std::string_view other) const;

  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }
  friend std::string_view format_as(const Secret&) { return "***"; }

 private:
  void wipe();
  std::string value_;
};

}  // namespace roadstead
