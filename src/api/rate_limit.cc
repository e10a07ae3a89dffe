// SPDX-License-Identifier: Apache-2.0
#include "api/rate_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "net/socket.h"

namespace roadstead::api {

void RateLimit::fill(Bucket& bucket, Rate rate, MonotonicTime now) {
  const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = std::min(rate.burst, bucket.tokens + seconds * rate.per_second);
  bucket.filled = now;
}

Duration RateLimit::until_one(const Bucket& bucket, Rate rate) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>((1.0 - bucket.tokens) / rate.per_second));
}

std::optional<Duration> RateLimit::take(std::string_view source) {
  const MonotonicTime now = clock_.now();
  auto it = sources_.find(source);
  if (it == sources_.end()) {
    if (sources_.size() >= max_sources_) {
      sources_.erase(recent_.back());
      recent_.pop_back();
    }
    recent_.emplace_front(source);
    it = sources_.emplace(recent_.front(), Source{{each_.burst, now}, recent_.begin()}).first;
  } else {
    recent_.splice(recent_.begin(), recent_, it->second.place);
  }
  Bucket& own = it->second.bucket;
  fill(own, each_, now);
  fill(total_, all_, now);
  if (own.tokens < 1.0) {
    return until_one(own, each_);
  }
  if (total_.tokens < 1.0) {
    return until_one(total_, all_);
  }
  own.tokens -= 1.0;
  total_.tokens -= 1.0;
  return std::nullopt;
}

std::string RateLimit::source_of(std::string_view peer_address) {
  const auto parsed = net::parse_host_port(std::string(peer_address), "0");
  const std::string host = parsed.ok() ? parsed->host : std::string(peer_address);
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) {
    return host;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(bytes[i]));
    out += digits.data();
  }
  return out + "/64";
}

}  // namespace roadstead::api
