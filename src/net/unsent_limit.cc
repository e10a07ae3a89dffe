// SPDX-License-Identifier: Apache-2.0
#include "net/unsent_limit.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

namespace roadstead::net {

void UnsentLimit::follow(int fd, UnsentBounds bounds) {
  bounds_ = bounds;
  set(fd, bounds.least);
}

void UnsentLimit::refused(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (bytes_ == 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return;
  }
  const std::size_t wanted = next(bytes_, static_cast<double>(info.tcpi_delivery_rate),
                                  std::chrono::microseconds(info.tcpi_min_rtt), bounds_);
  if (wanted != bytes_) {
    set(fd, wanted);
  }
}

std::size_t UnsentLimit::next(std::size_t now, double rate, Duration round_trip,
                              UnsentBounds bounds) {
  const std::chrono::duration<double> time = std::max(round_trip / 2, kWakeUp);
  const auto wanted =
      static_cast<std::size_t>(std::min(rate * time.count(), static_cast<double>(bounds.most)));
  return std::clamp(std::max(wanted, now - now / 8), bounds.least, bounds.most);
}

void UnsentLimit::set(int fd, std::size_t bytes) {
  bytes_ = bytes;
  const auto limit = static_cast<unsigned>(bytes);
  // Best effort: a connection without it works, with longer waits behind bulk data.
  static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit, sizeof(limit)));
}

}  // namespace roadstead::net
