// SPDX-License-Identifier: Apache-2.0
#include "agent/termination_log.h"

#include "agent/files.h"
#include "base/utf8.h"

namespace roadstead::agent {
namespace {

constexpr std::size_t kMaxBytes = 4096;  // what Kubernetes keeps of it

}  // namespace

void TerminationLog::write(std::string text) {
  pending_ = utf8::cut(text, kMaxBytes);
  if (path_.empty() || writing_ || pending_ == written_) {
    return;
  }
  writing_ = true;
  tasks_.spawn(write_pending());
}

io::Task<void> TerminationLog::write_pending() {
  while (pending_ != written_) {
    const std::string text = pending_;
    static_cast<void>(
        co_await pool_.run(executor_, [path = path_, text] { return overwrite_file(path, text); }));
    written_ = text;
  }
  writing_ = false;
}

io::Task<void> TerminationLog::settle() { co_await tasks_.join(); }

void TerminationLog::write_now(std::string text) {
  if (!path_.empty()) {
    static_cast<void>(overwrite_file(path_, utf8::cut(text, kMaxBytes)));
  }
}

}  // namespace roadstead::agent
