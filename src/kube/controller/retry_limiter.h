// SPDX-License-Identifier: Apache-2.0
// When a failed key is tried again: the longer of its own pause, which doubles, and of its place in
// a token bucket that all keys share (k8s.io/client-go/util/workqueue,
// DefaultTypedControllerRateLimiter). Pure; holds one number for each key that failed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "base/clock.h"

namespace roadstead::kube {

struct RetryOptions {
  Duration first = std::chrono::milliseconds(5);
  Duration longest = std::chrono::seconds(1000);
  double per_second = 10;  // of all keys together
  double burst = 100;
};

template <class Key>
class RetryLimiter {
 public:
  explicit RetryLimiter(RetryOptions options) : options_(options), tokens_(options.burst) {}

  Duration when(const Key& key, MonotonicTime now) {
    const int failed = failures_[key]++;
    const Duration own =
        failed > 30 ? options_.longest
                    : std::min(options_.longest, options_.first * (std::int64_t{1} << failed));
    return std::max(own, reserve(now));
  }
  void forget(const Key& key) { failures_.erase(key); }
  int failures(const Key& key) const {
    const auto it = failures_.find(key);
    return it == failures_.end() ? 0 : it->second;
  }

 private:
  Duration reserve(MonotonicTime now) {
    const double passed = std::chrono::duration<double>(now - refilled_).count();
    refilled_ = now;
    tokens_ = std::min(options_.burst, tokens_ + passed * options_.per_second) - 1;
    if (tokens_ >= 0) {
      return Duration::zero();
    }
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(-tokens_ / options_.per_second));
  }

  RetryOptions options_;
  double tokens_;
  MonotonicTime refilled_{};
  std::map<Key, int> failures_;
};

}  // namespace roadstead::kube
