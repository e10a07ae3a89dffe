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
#include <vector>

namespace roadstead::stub {

class WatchFramer {
 public:
  enum class Format : unsigned char { JsonLines, LengthDelimited, CborSequence, Opaque };
  static Format format_of(std::string_view content_type);

  explicit WatchFramer(Format format) : format_(format) {}

  // Takes bytes, returns what may be sent on now (perhaps nothing).
  std::string feed(std::string bytes);
  // Nothing partial is held and nothing partial was ever let through: ending here is clean.
  bool at_boundary() const { return held_.empty() && !given_up_; }
  // Only whole objects were let through so far: ending here, dropping what is held, is clean.
  bool may_end() const { return !given_up_; }
  // What is held, for a body that ended by itself.
  std::string take_rest() { return std::move(held_); }

  // An object larger than this is passed on as it comes; then an end inside it is not clean.
  static constexpr std::size_t kMaxHeld = 8 * 1024 * 1024;

 private:
  std::size_t complete_prefix() const;
  std::size_t length_delimited_prefix() const;
  std::size_t cbor_prefix();

  Format format_;
  std::string held_;
  bool given_up_ = false;
  std::size_t scanned_ = 0;          // JsonLines: bytes of held_ without a newline
  std::vector<std::uint64_t> open_;  // CborSequence: items still due at each open level
};

}  // namespace roadstead::stub
