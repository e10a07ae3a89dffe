// SPDX-License-Identifier: Apache-2.0
// Where an HTTP/1.1 body ends (RFC 9112 sections 6 and 7), without I/O: takes bytes as they arrive
// and gives the payload. Also the writing of chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/h1_parser.h"

namespace roadstead::http {

class H1Body {
 public:
  explicit H1Body(H1Framing framing = {});

  // Appends at most `max` bytes of payload from the front of `in` to `out` and gives how many bytes
  // of `in` were used. Fewer than in.size(): the body has ended, or `out` is full. Protocol errors
  // are final.
  Result<std::size_t> decode(std::string_view in, std::string& out, std::size_t max);
  bool ended() const { return state_ == State::Ended; }
  // The peer ended its side: the end of an until-close body, an error for all others.
  Result<void> end_of_input();

  // The whole of `in` is payload and the body may be handed over without a copy.
  bool passes_whole(std::size_t bytes) const {
    return state_ == State::Raw || (state_ == State::Length && bytes <= left_);
  }
  void pass(std::size_t bytes);

  const Headers& trailers() const { return trailers_; }

 private:
  enum class State : unsigned char { Length, Raw, ChunkLine, ChunkData, ChunkEnd, Trailers, Ended };

  Result<std::size_t> take_line(std::string_view in, std::size_t max);
  Result<void> read_chunk_line();
  Result<void> read_trailer_line();

  State state_;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  std::string line_;        // a chunk line or trailer line that is not complete
  bool line_complete_ = false;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  Headers trailers_;
};

// The line before a chunk of `bytes` > 0; the chunk is followed by CRLF.
void append_chunk_head(std::string& out, std::size_t bytes);
// The last chunk with its trailers.
void append_last_chunk(std::string& out, const Headers& trailers);

// Fields that change framing, routing or connection must not come as trailers (RFC 9110 6.5.1).
bool is_forbidden_trailer(std::string_view name);

}  // namespace roadstead::http
