// SPDX-License-Identifier: Apache-2.0
// Finds object boundaries in a watch's body, so that a watch whose lane dies can end cleanly and a
// reflector resumes without a decode error. Lets whole objects pass and holds at most one partial
// one. Pure, byte-slicing independent; lives in the request's frame.
//
// JSON: one object a line. Protobuf: four bytes of length, big-endian, then the object
// (k8s.io/apimachinery, framer "length delimited"). CBOR: a sequence of data items (RFC 8742).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/h2_window.h"

namespace roadstead::stub {

class WatchFramer {
 public:
  enum class Format : unsigned char { JsonLines, LengthDelimited, CborSequence, Opaque };
  static Format format_of(std::string_view content_type);

  // What is held beyond kFree counts in the budget, if there is one.
  explicit WatchFramer(Format format, http::BufferBudget* budget = nullptr)
      : format_(format), budget_(budget) {}
  ~WatchFramer() { charge(0); }
  WatchFramer(const WatchFramer&) = delete;
  WatchFramer& operator=(const WatchFramer&) = delete;

  // Takes bytes, returns what may be sent on now (perhaps nothing).
  std::string feed(std::string bytes);
  // Nothing partial is held and nothing partial was ever let through: ending here is clean.
  bool at_boundary() const { return held_.empty() && !given_up_; }
  // Only whole objects were let through so far: ending here, dropping what is held, is clean.
  bool may_end() const { return !given_up_; }
  // What is held, for a body that ended by itself.
  std::string take_rest() {
    charge(0);
    return std::exchange(held_, {});
  }

  // An object larger than this, or one beyond kFree while the budget is used up, is passed on as it
  // comes; then an end inside it is not clean.
  static constexpr std::size_t kMaxHeld = 8 * 1024 * 1024;
  static constexpr std::size_t kFree = 64 * 1024;

 private:
  std::size_t complete_prefix() const;
  std::size_t length_delimited_prefix() const;
  std::size_t cbor_prefix();
  bool charge(std::size_t held);

  Format format_;
  http::BufferBudget* budget_;
  std::size_t charged_ = 0;
  std::string held_;
  bool given_up_ = false;
  std::size_t scanned_ = 0;          // JsonLines: bytes of held_ without a newline
  std::vector<std::uint64_t> open_;  // CborSequence: items still due at each open level
};

}  // namespace roadstead::stub
