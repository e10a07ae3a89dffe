// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace roadstead {

std::uint64_t Random::next_u64() {
  std::uint64_t v = 0;
  fill(std::as_writable_bytes(std::span(&v, 1)));
  return v;
}

std::uint64_t Random::below(std::uint64_t bound) {
  CHECK(bound > 0, "empty range");
  // Rejection keeps the result uniform.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t v = next_u64();
  while (v >= limit) {
    v = next_u64();
  }
  return v % bound;
}

double Random::unit() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }

std::string Random::hex(std::size_t bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string raw(bytes, '\0');
  fill(std::as_writable_bytes(std::span(raw)));
  std::string out;
  out.reserve(bytes * 2);
  for (const char c : raw) {
    const auto b = static_cast<unsigned char>(c);
    out.push_back(kDigits[b >> 4]);
    out.push_back(kDigits[b & 15]);
  }
  return out;
}

std::string Random::uuid_v4() {
  std::string h = hex(16);
  h[12] = '4';
  h[16] = "89ab"[(h[16] >= 'a' ? h[16] - 'a' + 10 : h[16] - '0') & 3];
  return h.substr(0, 8) + '-' + h.substr(8, 4) + '-' + h.substr(12, 4) + '-' + h.substr(16, 4) +
         '-' + h.substr(20);
}

namespace {

void system_fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    CHECK(n > 0 || errno == EINTR, "getrandom failed");
    if (n > 0) {
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }
}

// Small pieces (request ids, jitter) come out of one system call for many. What was given is
// wiped, so that a piece is known to its taker only. Programs that use it do not fork.
class SmallPieces {
 public:
  static constexpr std::size_t kLargest = 16;

  void take(std::span<std::byte> out) {
    if (left_ < out.size()) {
      system_fill(pool_);
      left_ = pool_.size();
    }
    const auto piece = std::span(pool_).subspan(pool_.size() - left_, out.size());
    std::copy(piece.begin(), piece.end(), out.begin());
    std::fill(piece.begin(), piece.end(), std::byte{0});
    left_ -= out.size();
  }

 private:
  std::array<std::byte, 256> pool_{};
  std::size_t left_ = 0;
};

}  // namespace

void SystemRandom::fill(std::span<std::byte> out) {
  if (out.size() > SmallPieces::kLargest) {
    system_fill(out);
    return;
  }
  thread_local SmallPieces pieces;
  pieces.take(out);
}

// splitmix64
void SeededRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    const std::size_t n = out.size() < sizeof(z) ? out.size() : sizeof(z);
    std::memcpy(out.data(), &z, n);
    out = out.subspan(n);
  }
}

}  // namespace roadstead
