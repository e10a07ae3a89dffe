// SPDX-License-Identifier: Apache-2.0
// Message heads to HTTP/2 field blocks and back (RFC 9113 section 8). No state of its own.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/h2_stream.h"
#include "http/message.h"

namespace roadstead::http {

// More fields than this in one block are refused; the byte limit is H2Options::max_header_bytes.
inline constexpr std::size_t kMaxFields = 512;

// A block to send. It points into the head, and so does nghttp2 until the block is serialised: the
// stream keeps the head. Fields that belong to one
// HTTP/1 connection are left out, and so is Host (it is ":authority").
class FieldBlock {
 public:
  // All fail with InvalidArgument for a field that HTTP/2 cannot carry, PayloadTooLarge beyond
  // `max_bytes`.
  static Result<FieldBlock> of(const RequestHead& head, std::size_t max_bytes);
  static Result<FieldBlock> of(const ResponseHead& head, std::size_t max_bytes);
  static Result<FieldBlock> of(const Headers& trailers, std::size_t max_bytes);

  FieldBlock(FieldBlock&&) noexcept = default;
  FieldBlock& operator=(FieldBlock&&) noexcept = default;
  const nghttp2_nv* data() const { return fields_.data(); }
  std::size_t size() const { return fields_.size(); }

 private:
  FieldBlock() = default;
  void add(std::string_view name, std::string_view value, bool never_indexed);
  Result<void> add_all(const Headers& headers, std::size_t max_bytes);
  std::vector<nghttp2_nv> fields_;
  std::size_t bytes_ = 0;
};

// What became of one received field.
enum class FieldOutcome : unsigned char { Kept, TooLarge, Malformed, Flood };

// Starts a block and takes its fields one after the other.
void begin_block(H2Stream& stream);
FieldOutcome add_field(H2Stream& stream, std::string_view name, std::string_view value,
                       bool sensitive, std::size_t max_bytes);
// Settles what spans several fields (Host and ":authority", cookies). False when malformed.
bool finish_request_block(H2Stream& stream);

}  // namespace roadstead::http
