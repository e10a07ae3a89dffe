// SPDX-License-Identifier: Apache-2.0
// A limit with RAII permits: streams, connections, logins. Lives on one shard; the Quota outlives
// its permits.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

namespace roadstead::io {

class Quota {
 public:
  explicit Quota(std::size_t limit) : limit_(limit) {}

  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept
        : quota_(std::exchange(other.quota_, nullptr)), units_(other.units_) {}
    Permit& operator=(Permit&& other) noexcept {
      if (this != &other) {
        release();
        quota_ = std::exchange(other.quota_, nullptr);
        units_ = other.units_;
      }
      return *this;
    }
    ~Permit() { release(); }
    void release() {
      if (quota_ != nullptr) {
        std::exchange(quota_, nullptr)->used_ -= units_;
      }
    }

   private:
    friend class Quota;
    Permit(Quota* quota, std::size_t units) : quota_(quota), units_(units) {}
    Quota* quota_ = nullptr;
    std::size_t units_ = 0;
  };

  // nullopt when the limit would be passed.
  std::optional<Permit> try_take(std::size_t units = 1) {
    if (units > limit_ - used_) {
      return std::nullopt;
    }
    used_ += units;
    return Permit(this, units);
  }
  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace roadstead::io
