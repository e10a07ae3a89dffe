// SPDX-License-Identifier: Apache-2.0
#include "http/h2_core.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "http/h2_callbacks.h"
#include "http/h2_memory.h"

namespace roadstead::http {
namespace {

constexpr std::uint32_t kUnannouncedMaxStreams = 100;  // until the peer's SETTINGS arrive
constexpr std::size_t kMaxQueuedAnswers = 256;         // SETTINGS and PING acknowledgements
constexpr std::size_t kMaxContinuations = 8;           // frames after a HEADERS frame
constexpr std::size_t kMaxSettings = 32;               // entries in one frame
constexpr std::size_t kRoundTripEvery = 128 * 1024;

nghttp2_data_provider body_provider() {
  nghttp2_data_provider provider{};
  provider.read_callback = H2Callbacks::read_body;
  return provider;
}

nghttp2_session* make_session(H2Session::Role role, const H2Options& options, H2Core* core) {
  nghttp2_option* option = nullptr;
  CHECK(nghttp2_option_new(&option) == 0, "out of memory");
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, kUnannouncedMaxStreams);
  nghttp2_option_set_max_reserved_remote_streams(option, 0);
  nghttp2_option_set_max_outbound_ack(option, kMaxQueuedAnswers);
  nghttp2_option_set_max_settings(option, kMaxSettings);
  nghttp2_option_set_max_continuations(option, kMaxContinuations);
  nghttp2_option_set_stream_reset_rate_limit(option, options.reset_burst, options.reset_rate);
  // nghttp2 compares an upper estimate of the encoded size; FieldBlock enforces the real limit.
  nghttp2_option_set_max_send_header_block_length(option, 4 * options.max_header_bytes);
  nghttp2_session* session = nullptr;
  const int rv = role == H2Session::Role::Server
                     ? nghttp2_session_server_new3(&session, H2Callbacks::table(), core, option,
                                                   session_memory())
                     : nghttp2_session_client_new3(&session, H2Callbacks::table(), core, option,
                                                   session_memory());
  nghttp2_option_del(option);
  CHECK(rv == 0, nghttp2_strerror(rv));
  return session;
}

void submit_settings(nghttp2_session* session, H2Session::Role role, const H2Options& options) {
  std::array<nghttp2_settings_entry, 5> entries{};
  std::size_t count = 0;
  const auto add = [&entries, &count](std::int32_t id, std::size_t value) {
    entries[count++] = {id, static_cast<std::uint32_t>(value)};
  };
  add(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.initial_stream_window);
  add(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.max_header_bytes);
  if (role == H2Session::Role::Server) {
    add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
    add(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
    if (options.enable_connect_protocol) {
      add(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
    }
  } else {
    add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
    add(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  }
  const int rv = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries.data(), count);
  CHECK(rv == 0, nghttp2_strerror(rv));
}

Error protocol_failure(ssize_t code) {
  return Error(ErrorKind::Protocol,
               std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(code)));
}

}  // namespace

H2Core::H2Core(H2Session::Role role, const H2Options& options, io::Executor& executor,
               H2Listener& listener)
    : role_(role),
      options_(options),
      executor_(executor),
      listener_(listener),
      session_(make_session(role, options, this)) {
  submit_settings(session_.get(), role, options);
  windows_.push_back(options.initial_stream_window);
  // The connection's window never holds a stream back; the streams' windows bound the memory.
  const int rv = nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                                       NGHTTP2_MAX_WINDOW_SIZE);
  CHECK(rv == 0, nghttp2_strerror(rv));
}

H2Core::~H2Core() { abandon(Error(ErrorKind::Network, "the connection has ended")); }

Result<void> H2Core::receive(std::span<const std::byte> bytes) {
  if (abandoned_) {
    return {};
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const ssize_t taken = nghttp2_session_mem_recv(session_.get(), data, bytes.size());
  if (taken < 0) {
    return protocol_failure(taken);
  }
  return {};
}

Result<std::size_t> H2Core::gather(std::span<std::byte> out) {
  if (abandoned_) {
    return std::size_t{0};
  }
  CHECK(out.size() >= kGatherRoom, "gather buffer is too small");
  gather_out_ = out.data();
  gather_room_ = out.size();
  gathered_ = 0;
  while (gathered_ < kGatherTarget) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size < 0) {
      return protocol_failure(size);
    }
    if (size == 0) {
      break;
    }
    const auto length = static_cast<std::size_t>(size);
    CHECK(length <= gather_room_ - gathered_, "a frame is larger than the gather buffer");
    std::memcpy(out.data() + gathered_, data, length);
    gathered_ += length;
  }
  gather_out_ = nullptr;
  output_gathered_ += gathered_;
  return std::exchange(gathered_, 0);
}

void H2Core::follow_budget() {
  BufferBudget* const budget = options_.buffer_budget;
  if (budget == nullptr || abandoned_ || budget->scarce() == scarce_) {
    return;
  }
  scarce_ = !scarce_;
  const std::uint32_t window = scarce_ ? std::min(kScarceWindow, options_.initial_stream_window)
                                       : options_.initial_stream_window;
  // RFC 9113 section 6.9.2: changes the windows of open streams too, even to less than nothing.
  const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
  if (nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &entry, 1) == 0) {
    windows_.push_back(window);
    listener_.on_output();
  }
}

bool H2Core::wants_output() const {
  return !abandoned_ && nghttp2_session_want_write(session_.get()) != 0;
}

bool H2Core::finished() const {
  return abandoned_ || (nghttp2_session_want_read(session_.get()) == 0 &&
                        nghttp2_session_want_write(session_.get()) == 0);
}

std::size_t H2Core::queued_frames() const {
  return nghttp2_session_get_outbound_queue_size(session_.get());
}

std::uint32_t H2Core::peer_max_streams() const {
  return settings_received_ ? nghttp2_session_get_remote_settings(
                                  session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
                            : kUnannouncedMaxStreams;
}

bool H2Core::peer_allows_connect_protocol() const {
  return settings_received_ && nghttp2_session_get_remote_settings(
                                   session_.get(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 0;
}

bool H2Core::take_round_trip_wish() {
  if (taken_by_readers_ < kRoundTripEvery) {
    return false;
  }
  taken_by_readers_ = 0;
  return true;
}

Result<H2StreamRef> H2Core::open(SharedRequestHead head, bool end) {
  CHECK(role_ == H2Session::Role::Client, "only the client role opens streams");
  if (abandoned_ || goaway_received_ || goaway_sent_ || ids_exhausted_) {
    return Error(ErrorKind::Unavailable, "the connection is closing");
  }
  if (streams_.size() >= peer_max_streams()) {
    return Error(ErrorKind::TooManyRequests, "the peer's limit of concurrent streams is reached");
  }
  TRY(const FieldBlock block, FieldBlock::of(*head, options_.max_header_bytes));
  H2StreamRef stream = add_stream(0);
  stream->sent_request = std::move(head);
  stream->finish_wanted = end;
  const nghttp2_data_provider provider = body_provider();
  const std::int32_t id = nghttp2_submit_request(
      session_.get(), nullptr, block.data(), block.size(), end ? nullptr : &provider, stream.get());
  if (id < 0) {
    remove_stream(*stream);
    ids_exhausted_ = id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE;
    return Error(ErrorKind::Unavailable,
                 std::string("no stream could be opened: ") + nghttp2_strerror(id));
  }
  stream->id = id;
  stream->head_submitted = true;
  listener_.on_output();
  return stream;
}

Result<void> H2Core::respond(H2Stream& stream, ResponseHead response, bool end) {
  stream.response = std::move(response);
  const ResponseHead& head = stream.response;
  TRY(const FieldBlock block, FieldBlock::of(head, options_.max_header_bytes));
  stream.no_body = stream.request.method == "HEAD" || head.status == 204 || head.status == 304;
  const bool no_data = end || stream.no_body;
  const nghttp2_data_provider provider = body_provider();
  const int rv = nghttp2_submit_response(session_.get(), stream.id, block.data(), block.size(),
                                         no_data ? nullptr : &provider);
  if (rv != 0) {
    return Error(ErrorKind::Internal, std::string("response: ") + nghttp2_strerror(rv));
  }
  stream.head_submitted = true;
  stream.finish_wanted = no_data;
  stream.continue_wanted = false;
  listener_.on_output();
  return {};
}

void H2Core::answer_expectation(H2Stream& stream) {
  stream.continue_wanted = false;
  std::array<std::uint8_t, 7> name{':', 's', 't', 'a', 't', 'u', 's'};
  std::array<std::uint8_t, 3> value{'1', '0', '0'};
  const nghttp2_nv field{name.data(), value.data(), name.size(), value.size(),
                         NGHTTP2_NV_FLAG_NONE};
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream.id, nullptr, &field, 1, nullptr);
  listener_.on_output();
}

void H2Core::send_more(H2Stream& stream, std::size_t bytes) {
  queued_bytes_ += bytes;
  if (stream.deferred) {
    stream.deferred = false;
    nghttp2_session_resume_data(session_.get(), stream.id);
  }
  listener_.on_output();
}

void H2Core::credit(H2Stream& stream, std::size_t bytes) {
  taken_by_readers_ += bytes;
  if (stream.receive_ended) {
    return;
  }
  const std::uint32_t before = stream.tuner.window();
  const std::uint32_t window = stream.tuner.on_consumed(bytes, executor_.clock(), round_trip_);
  nghttp2_session_consume_stream(session_.get(), stream.id, bytes);
  if (window != before) {
    nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, stream.id,
                                          static_cast<std::int32_t>(window + window_change_));
  }
  if (wants_output()) {
    listener_.on_output();
  }
}

void H2Core::reset(H2Stream& stream, std::uint32_t code) {
  stream.discard_received = true;
  stream.received.clear();
  stream.on_abort = nullptr;
  fail_stream(stream, Error(ErrorKind::Cancelled, "the stream was reset here"));
  if (stream.core != nullptr) {
    submit_reset(stream, code);
    listener_.on_output();
  }
}

void H2Core::submit_reset(H2Stream& stream, std::uint32_t code) {
  if (!stream.reset_submitted) {
    stream.reset_submitted = true;
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, code);
  }
}

void H2Core::stop_reading(H2Stream& stream) {
  stream.discard_received = true;
  stream.received.clear();
  stream.reset_after_end = true;
  if (stream.end_sent && !stream.receive_ended) {
    submit_reset(stream, NGHTTP2_NO_ERROR);
    listener_.on_output();
  }
}

void H2Core::handler_returned(H2Stream& stream) {
  if (!stream.head_submitted) {
    if (!respond(stream, ResponseHead{500, {}}, true).ok()) {
      reset(stream, NGHTTP2_INTERNAL_ERROR);
    }
  } else if (!stream.finish_wanted) {
    reset(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  stop_reading(stream);
}

void H2Core::ping(std::uint64_t number) {
  if (abandoned_) {
    return;
  }
  std::array<std::uint8_t, 8> opaque{};
  std::memcpy(opaque.data(), &number, sizeof(number));
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, opaque.data());
  listener_.on_output();
}

void H2Core::announce_shutdown() {
  if (!abandoned_) {
    nghttp2_submit_shutdown_notice(session_.get());
    listener_.on_output();
  }
}

void H2Core::goaway() {
  if (!abandoned_ && !goaway_sent_) {
    goaway_sent_ = true;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    listener_.on_output();
  }
}

}  // namespace roadstead::http
