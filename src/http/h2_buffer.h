// SPDX-License-Identifier: Apache-2.0
// The two byte queues of a stream. Both hold no memory while empty, since most streams are idle
// watches.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/release.h"
#include "http/h2_window.h"

namespace roadstead::http {

// What a stream has to send: a small copy of what was written, then a borrowed view of a large
// write whose caller waits until it is gone.
class SendQueue {
 public:
  std::size_t size() const { return copied_.size() - head_ + borrowed_.size(); }
  std::size_t copied() const { return copied_.size() - head_; }
  bool empty() const { return size() == 0; }
  bool borrowing() const { return !borrowed_.empty(); }

  void copy(std::string_view bytes) {
    if (head_ > 0 && copied_.size() + bytes.size() > copied_.capacity()) {
      copied_.erase(0, head_);
      head_ = 0;
    }
    copied_.append(bytes);
  }
  // `bytes` stay valid until they were taken or the queue was cleared. At most one at a time.
  void borrow(std::string_view bytes) { borrowed_ = bytes; }

  // Moves the first `count` bytes, count <= size().
  void take(std::byte* out, std::size_t count) {
    const std::size_t from_copy = std::min(count, copied());
    if (from_copy > 0) {
      std::memcpy(out, copied_.data() + head_, from_copy);
      head_ += from_copy;
      if (head_ == copied_.size()) {
        release_copy();
      }
    }
    const std::size_t rest = count - from_copy;
    if (rest > 0) {
      std::memcpy(out + from_copy, borrowed_.data(), rest);
      borrowed_.remove_prefix(rest);
    }
  }
  void clear() {
    release_copy();
    borrowed_ = {};
  }

 private:
  void release_copy() {
    head_ = 0;
    if (copied_.capacity() > kKept) {
      release(copied_);
    } else {
      copied_.clear();
    }
  }
  static constexpr std::size_t kKept = 256;
  std::string copied_;
  std::size_t head_ = 0;
  std::string_view borrowed_;
};

// What a stream has received, in pieces that the reader gets without another copy.
class ReceiveQueue {
 public:
  static constexpr std::size_t kPiece = 64 * 1024;

  // `budget` may be nullptr.
  explicit ReceiveQueue(BufferBudget* budget = nullptr) : budget_(budget) {}
  ~ReceiveQueue() { count_off(size_); }
  ReceiveQueue(const ReceiveQueue&) = delete;
  ReceiveQueue& operator=(const ReceiveQueue&) = delete;

  bool empty() const { return next_ == pieces_.size(); }
  std::size_t size() const { return size_; }

  void add(std::string_view bytes) {
    size_ += bytes.size();
    if (budget_ != nullptr) {
      budget_->hold(bytes.size());
    }
    if (!empty() && pieces_.back().size() + bytes.size() <= kPiece) {
      std::string& last = pieces_.back();
      if (last.capacity() < last.size() + bytes.size()) {
        last.reserve(kPiece);  // instead of doubling: more will follow
      }
      last.append(bytes);
    } else {
      pieces_.emplace_back(bytes);
    }
  }
  std::string take() {
    std::string piece = std::move(pieces_[next_++]);
    size_ -= piece.size();
    count_off(piece.size());
    if (next_ == pieces_.size()) {
      pieces_.clear();
      next_ = 0;
    } else if (next_ >= 64) {
      pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(next_));
      next_ = 0;
    }
    return piece;
  }
  void clear() {
    pieces_ = {};
    next_ = 0;
    count_off(std::exchange(size_, 0));
  }

 private:
  void count_off(std::size_t bytes) {
    if (budget_ != nullptr && bytes > 0) {
      budget_->give_back(bytes);
    }
  }
  BufferBudget* budget_;
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  std::size_t size_ = 0;
};

}  // namespace roadstead::http
