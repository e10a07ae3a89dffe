// SPDX-License-Identifier: Apache-2.0
// The part of H2Core that follows a stream from its first header block to its end.
#include <string>
#include <utility>

#include "http/h2_core.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kMaxFrame = 16384;  // RFC 9113 section 4.2: what we allow the peer

}  // namespace

std::uint32_t H2Core::broken_by(const nghttp2_frame_hd& head) const {
  switch (head.type) {
    case NGHTTP2_PRIORITY:
      return head.stream_id == 0 ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
    case NGHTTP2_CONTINUATION:
      if (head.length > kMaxFrame) {
        return NGHTTP2_FRAME_SIZE_ERROR;
      }
      return NGHTTP2_NO_ERROR;
    case NGHTTP2_HEADERS:
      switch (past_.state(head.stream_id)) {
        case H2PastStreams::State::Ended:
          return NGHTTP2_STREAM_CLOSED;
        case H2PastStreams::State::Skipped:
          return NGHTTP2_PROTOCOL_ERROR;
        case H2PastStreams::State::Unknown:
          break;
      }
      return NGHTTP2_NO_ERROR;
    default:
      return NGHTTP2_NO_ERROR;
  }
}

H2StreamRef H2Core::add_stream(std::int32_t id) {
  H2StreamRef stream(new H2Stream(this, executor_, options_.initial_stream_window,
                                  options_.max_stream_window, options_.buffer_budget));
  stream->id = id;
  stream->index = streams_.size();
  streams_.push_back(stream);
  return stream;
}

void H2Core::remove_stream(H2Stream& stream) {
  stream.core = nullptr;
  const std::size_t index = stream.index;
  const H2StreamRef removed = std::move(streams_[index]);
  if (index + 1 != streams_.size()) {
    streams_[index] = std::move(streams_.back());
    streams_[index]->index = index;
  }
  streams_.pop_back();
  listener_.on_stream_closed();
}

H2Stream* H2Core::find_unsent(std::int32_t id) {
  for (const H2StreamRef& stream : streams_) {
    if (stream->id == id) {
      return stream.get();
    }
  }
  return nullptr;
}

void H2Core::headers_complete(H2Stream& stream, bool end) {
  if (stream.head_received) {
    if (stream.block_too_large) {
      fail_stream(stream, Error(ErrorKind::PayloadTooLarge, "the trailers are too large"));
      reset(stream, NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    stream.trailers = std::exchange(stream.block, {});
    end_received(stream);
    return;
  }
  if (role_ == H2Session::Role::Server) {
    stream.head_received = true;
    stream.receive_ended = end;
    deliver_request(stream);
    return;
  }
  if (stream.block_too_large) {
    fail_stream(stream, Error(ErrorKind::Upstream, "the response's header block is too large"));
    reset(stream, NGHTTP2_ENHANCE_YOUR_CALM);
    return;
  }
  if (stream.block_status < 200) {
    return;  // interim
  }
  stream.head_received = true;
  stream.response = {stream.block_status, std::exchange(stream.block, {})};
  stream.head_waiter.wake(stream.executor);
  if (end) {
    end_received(stream);
  }
}

void H2Core::deliver_request(H2Stream& stream) {
  if (stream.block_too_large) {
    stream.block.clear();
    stream.discard_received = true;
    stream.reset_after_end = true;
    static_cast<void>(respond(stream, ResponseHead{431, {}}, true));
    return;
  }
  if (!finish_request_block(stream)) {
    reset(stream, NGHTTP2_PROTOCOL_ERROR);
    return;
  }
  if (!listener_.on_request(stream)) {
    reset(stream, NGHTTP2_REFUSED_STREAM);
  }
}

void H2Core::end_received(H2Stream& stream) {
  stream.receive_ended = true;
  stream.continue_wanted = false;
  stream.reader.wake(stream.executor);
}

void H2Core::drop_output(H2Stream& stream) {
  queued_bytes_ -= stream.send.size();
  stream.send.clear();
}

void H2Core::fail_stream(H2Stream& stream, Error failure) {
  drop_output(stream);
  if (!stream.failure.has_value()) {
    stream.failure = std::move(failure);
  }
  if (stream.on_abort && !stream.end_sent) {
    stream.post_abort();
  }
  stream.wake_all();
}

Error H2Core::closing_error(std::uint32_t code) const {
  const bool client = role_ == H2Session::Role::Client;
  if (client && code == NGHTTP2_REFUSED_STREAM) {
    return Error(ErrorKind::Unavailable, "the peer refused the stream");
  }
  if (code == NGHTTP2_NO_ERROR || code == NGHTTP2_CANCEL || !client) {
    return Error(ErrorKind::Cancelled, "the peer cancelled the stream");
  }
  return Error(ErrorKind::Upstream,
               std::string("the stream ended with ") + nghttp2_http2_strerror(code));
}

void H2Core::close_stream(H2Stream& stream, std::uint32_t code) {
  const H2StreamRef keep(&stream);
  if (stream.receive_ended && role_ == H2Session::Role::Server) {
    past_.ended(stream.id);
  }
  if (!stream.receive_ended || !stream.end_sent) {
    if (role_ == H2Session::Role::Client && code == NGHTTP2_REFUSED_STREAM) {
      stream.not_processed = true;
    }
    if (!stream.receive_ended) {
      stream.received.clear();
    }
    fail_stream(stream, closing_error(code));
  }
  stream.wake_all();
  remove_stream(stream);
}

void H2Core::abandon(const Error& failure) {
  if (abandoned_) {
    return;
  }
  abandoned_ = true;
  while (!streams_.empty()) {
    H2Stream& stream = *streams_.back();
    if (role_ == H2Session::Role::Client && output_taken_ <= stream.output_offset) {
      stream.not_processed = true;
    }
    fail_stream(stream, failure);
    remove_stream(stream);
  }
}

}  // namespace roadstead::http
