// SPDX-License-Identifier: Apache-2.0
// The allocator of nghttp2's sessions. A session owns, as long as it lives, a buffer for one whole
// frame of 16 KiB; bodies are sent without it, so all but its beginning stays unused, and an idle
// lane would be mostly this buffer. Here such buffers lie on pages of their own, of which the
// kernel gives out only those that are touched. Everything else comes from malloc, and so do these
// under the sanitizers and where the address space is limited.
//
// Bounds: kMostSlots buffers of a process, then malloc; an unused one gives its pages back, but
// for kKeptSlots of each thread. Buffers may be freed on another thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>

namespace roadstead::http {

nghttp2_mem* session_memory();

// For tests: pages of such buffers that the kernel has given out to the process.
std::size_t frame_buffer_pages();

}  // namespace roadstead::http
