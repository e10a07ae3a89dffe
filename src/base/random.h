// SPDX-License-Identifier: Apache-2.0
// Randomness is an object. SystemRandom (getrandom(2)) is for keys, tokens and jitter in
// production; SeededRandom makes simulated runs repeatable and is never used for secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace roadstead {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;

  std::uint64_t next_u64();
  std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound); bound > 0
  double unit();                             // uniform in [0, 1)
  std::string hex(std::size_t bytes);        // 2 * bytes lower-case hex digits
  std::string uuid_v4();                     // RFC 9562 section 5.4, as Kubernetes uids are
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace roadstead
