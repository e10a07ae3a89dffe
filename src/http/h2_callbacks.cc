// SPDX-License-Identifier: Apache-2.0
#include "http/h2_callbacks.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace roadstead::http {
namespace {

constexpr std::string_view kStatus = ":status";

H2Core& core_of(void* user_data) { return *static_cast<H2Core*>(user_data); }

H2Stream* stream_of(nghttp2_session* session, std::int32_t id) {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

std::string_view view(nghttp2_rcbuf* buffer) {
  const nghttp2_vec v = nghttp2_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(v.base), v.len};
}

bool ends_stream(const nghttp2_frame_hd& head) {
  return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

std::uint64_t ping_number(const nghttp2_ping& frame) {
  std::uint64_t number = 0;
  std::memcpy(&number, frame.opaque_data, sizeof(number));
  return number;
}

// nghttp2 no longer points into a head that was sent, and the stream may last for hours.
void forget_sent_head(nghttp2_session* session, const nghttp2_frame& frame) {
  H2Stream* stream = stream_of(session, frame.hd.stream_id);
  const nghttp2_headers& head = frame.headers;
  if (stream == nullptr || head.nvlen == 0) {
    return;
  }
  if (head.cat == NGHTTP2_HCAT_REQUEST) {
    stream->sent_request.reset();
  } else if (stream->head_submitted && head.nva[0].namelen == kStatus.size() &&
             std::memcmp(head.nva[0].name, kStatus.data(), kStatus.size()) == 0 &&
             head.nva[0].value[0] != '1') {  // the response itself: no interim one, no trailers
    stream->response.headers = Headers();
  }
}

}  // namespace

const nghttp2_session_callbacks* H2Callbacks::table() {
  static const nghttp2_session_callbacks* const kTable = [] {
    nghttp2_session_callbacks* t = nullptr;
    CHECK(nghttp2_session_callbacks_new(&t) == 0, "out of memory");
    nghttp2_session_callbacks_set_on_begin_frame_callback(t, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(t, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(t, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(t, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(t, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(t, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(t, on_close);
    nghttp2_session_callbacks_set_before_frame_send_callback(t, before_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(t, on_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(t, on_not_sent);
    nghttp2_session_callbacks_set_send_data_callback(t, send_data);
    return t;
  }();
  return kTable;
}

int H2Callbacks::on_begin_frame(nghttp2_session* session, const nghttp2_frame_hd* head,
                                void* user_data) {
  H2Core& core = core_of(user_data);
  if (core.role_ != H2Session::Role::Server) {
    return 0;
  }
  const std::uint32_t code = core.broken_by(*head);
  if (head->type == NGHTTP2_HEADERS) {
    core.past_.opened(head->stream_id);
  }
  // The frame itself is still taken, but nothing that answers it: GOAWAY is what goes out next.
  return code == NGHTTP2_NO_ERROR ? 0 : nghttp2_session_terminate_session(session, code);
}

int H2Callbacks::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                                  void* user_data) {
  H2Core& core = core_of(user_data);
  const std::int32_t id = frame->hd.stream_id;
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    const H2StreamRef stream = core.add_stream(id);
    nghttp2_session_set_stream_user_data(session, id, stream.get());
    // Equal shares for all: without "incremental" nghttp2 would serve the oldest stream to its end
    // first, and what the peer says about priorities is not trusted.
    const nghttp2_extpri equal{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    if (nghttp2_session_change_extpri_stream_priority(session, id, &equal, 1) != 0) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }
  if (H2Stream* stream = stream_of(session, id)) {
    begin_block(*stream);
  }
  return 0;
}

int H2Callbacks::on_header(nghttp2_session* session, const nghttp2_frame* frame,
                           nghttp2_rcbuf* name, nghttp2_rcbuf* value, std::uint8_t flags,
                           void* user_data) {
  H2Core& core = core_of(user_data);
  H2Stream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) {
    return 0;
  }
  const bool sensitive = (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
  const FieldOutcome outcome =
      add_field(*stream, view(name), view(value), sensitive, core.options_.max_header_bytes);
  return outcome == FieldOutcome::Flood ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

int H2Callbacks::on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*,
                                   nghttp2_rcbuf*, std::uint8_t, void*) {
  // nghttp2 would skip the field; a message that was changed on the way is worse than none.
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int H2Callbacks::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                         const std::uint8_t* data, std::size_t size, void*) {
  // The connection's credit is returned at once: a stalled reader holds up its own stream only.
  if (nghttp2_session_consume_connection(session, size) != 0) {
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  H2Stream* stream = stream_of(session, id);
  if (stream != nullptr && !stream->discard_received) {
    stream->received.add({reinterpret_cast<const char*>(data), size});
    stream->reader.wake(stream->executor);
  }
  return 0;
}

int H2Callbacks::on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
  H2Core& core = core_of(user_data);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) {
        core.headers_complete(*stream, ends_stream(frame->hd));
      }
      break;
    case NGHTTP2_DATA:
      if (ends_stream(frame->hd)) {
        if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) {
          core.end_received(*stream);
        }
      }
      break;
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        if (!core.windows_.empty()) {
          core.window_change_ = static_cast<std::int64_t>(core.windows_.front()) -
                                core.options_.initial_stream_window;
          core.windows_.erase(core.windows_.begin());
        }
      } else if (!core.settings_received_) {
        core.settings_received_ = true;
        core.listener_.on_settings();
      }
      break;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        core.listener_.on_ping_answer(ping_number(frame->ping));
      }
      break;
    case NGHTTP2_GOAWAY:
      core.goaway_received_ = true;
      core.listener_.on_goaway();
      break;
    default:
      break;
  }
  return 0;
}

int H2Callbacks::on_close(nghttp2_session* session, std::int32_t id, std::uint32_t code,
                          void* user_data) {
  if (H2Stream* stream = stream_of(session, id)) {
    core_of(user_data).close_stream(*stream, code);
  }
  return 0;
}

int H2Callbacks::before_send(nghttp2_session* session, const nghttp2_frame* frame,
                             void* user_data) {
  H2Core& core = core_of(user_data);
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) {
      stream->output_offset = core.output_gathered_ + core.gathered_;
    }
  }
  return 0;
}

int H2Callbacks::on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
  H2Core& core = core_of(user_data);
  if (frame->hd.type == NGHTTP2_GOAWAY) {
    if (frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      core.protocol_error_ =
          Error(ErrorKind::Protocol, std::string("the peer broke HTTP/2: ") +
                                         nghttp2_http2_strerror(frame->goaway.error_code));
    }
    return 0;
  }
  if (frame->hd.type == NGHTTP2_HEADERS) {
    forget_sent_head(session, *frame);
  }
  const bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (!may_end || !ends_stream(frame->hd)) {
    return 0;
  }
  if (H2Stream* stream = stream_of(session, frame->hd.stream_id)) {
    stream->end_sent = true;
    // The answer is complete; the rest of the request is not wanted (RFC 9113 section 8.1).
    if (stream->reset_after_end && !stream->receive_ended) {
      core.submit_reset(*stream, NGHTTP2_NO_ERROR);
    }
  }
  return 0;
}

int H2Callbacks::on_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int error,
                             void* user_data) {
  H2Core& core = core_of(user_data);
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    return 0;
  }
  if (H2Stream* stream = core.find_unsent(frame->hd.stream_id)) {
    stream->not_processed = true;
    core.fail_stream(*stream, Error(ErrorKind::Unavailable, std::string("request was not sent: ") +
                                                                nghttp2_strerror(error)));
    // When nghttp2 has made its stream already, on_close() follows.
    if (stream_of(session, stream->id) == nullptr) {
      core.remove_stream(*stream);
    }
  }
  return 0;
}

ssize_t H2Callbacks::read_body(nghttp2_session* session, std::int32_t id, std::uint8_t*,
                               std::size_t size, std::uint32_t* flags, nghttp2_data_source*,
                               void* user_data) {
  H2Stream* stream = stream_of(session, id);
  if (stream == nullptr) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  const std::size_t available = stream->send.size();
  if (available == 0 && !stream->finish_wanted) {
    stream->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (available > size || !stream->finish_wanted) {
    return static_cast<ssize_t>(std::min(available, size));
  }
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!stream->send_trailers.empty()) {
    const auto block =
        FieldBlock::of(stream->send_trailers, core_of(user_data).options_.max_header_bytes);
    if (block.ok() && block->size() > 0) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      if (nghttp2_submit_trailer(session, id, block->data(), block->size()) != 0) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      }
    }
  }
  return static_cast<ssize_t>(available);
}

int H2Callbacks::send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head,
                           std::size_t size, nghttp2_data_source*, void* user_data) {
  constexpr std::size_t kFrameHead = 9;
  H2Core& core = core_of(user_data);
  H2Stream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr || stream->send.size() < size ||
      core.gather_room_ - core.gathered_ < size + kFrameHead) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  std::byte* out = core.gather_out_ + core.gathered_;
  std::memcpy(out, head, kFrameHead);
  stream->send.take(out + kFrameHead, size);
  core.gathered_ += kFrameHead + size;
  core.queued_bytes_ -= size;
  if (!stream->send.borrowing()) {
    stream->writer.wake(stream->executor);
  }
  // Whole frames only, and no more than about the target: the rest stays queued by priority.
  return core.gathered_ >= H2Core::kGatherTarget ? NGHTTP2_ERR_PAUSE : 0;
}

}  // namespace roadstead::http
