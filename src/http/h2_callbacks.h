// SPDX-License-Identifier: Apache-2.0
// What nghttp2 calls. Part of H2Core, apart only to keep the files small.
#pragma once

#include <nghttp2/nghttp2.h>

#include "http/h2_core.h"

namespace roadstead::http {

struct H2Callbacks {
  // One table for the process.
  static const nghttp2_session_callbacks* table();

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd*, void* core);
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame*, void* core);
  static int on_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name,
                       nghttp2_rcbuf* value, std::uint8_t flags, void* core);
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*,
                               nghttp2_rcbuf*, std::uint8_t, void* core);
  static int on_data(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* core);
  static int on_frame(nghttp2_session*, const nghttp2_frame*, void* core);
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* core);
  static int before_send(nghttp2_session*, const nghttp2_frame*, void* core);
  static int on_sent(nghttp2_session*, const nghttp2_frame*, void* core);
  static int on_not_sent(nghttp2_session*, const nghttp2_frame*, int error, void* core);
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* core);
  static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* head, std::size_t size,
                       nghttp2_data_source*, void* core);
};

}  // namespace roadstead::http
