// SPDX-License-Identifier: Apache-2.0
// How often one source, and all together, may call something that costs: a bucket of tokens for
// each, filled at a steady rate (RFC 2697's idea). Bounded: the source that was quiet for longest
// is forgotten first. Lives on one shard.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace roadstead::api {

class RateLimit {
 public:
  struct Rate {
    double per_second;
    double burst;
  };
  RateLimit(const Clock& clock, Rate each, Rate all, std::size_t max_sources)
      : clock_(clock),
        each_(each),
        all_(all),
        max_sources_(max_sources),
        total_{all.burst, clock.now()} {}

  // Nothing when the call may go on; otherwise how long to wait.
  std::optional<Duration> take(std::string_view source);
  std::size_t sources() const { return sources_.size(); }

  // What counts as one source of "ADDRESS:PORT": an IPv4 address, or the first 64 bits of an IPv6
  // address, since one host has as many of those as it likes.
  static std::string source_of(std::string_view peer_address);

 private:
  struct Bucket {
    double tokens;
    MonotonicTime filled;
  };
  struct Source {
    Bucket bucket;
    std::list<std::string>::iterator place;  // in recent_, newest first
  };
  static void fill(Bucket& bucket, Rate rate, MonotonicTime now);
  static Duration until_one(const Bucket& bucket, Rate rate);

  const Clock& clock_;
  Rate each_;
  Rate all_;
  std::size_t max_sources_;
  Bucket total_;
  std::map<std::string, Source, std::less<>> sources_;
  std::list<std::string> recent_;
};

}  // namespace roadstead::api
