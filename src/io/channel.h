// SPDX-License-Identifier: Apache-2.0
// A bounded queue between coroutines of one shard. `send` waits while full; `receive` waits while
// empty. `close()` fails senders and lets receivers take what is left, then gives nullopt.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "io/event.h"
#include "io/task.h"

namespace roadstead::io {

template <class T>
class Channel {
 public:
  Channel(Executor& executor, std::size_t capacity)
      : capacity_(capacity), not_full_(executor), not_empty_(executor) {}

  bool try_send(T value) {
    if (closed_ || items_.size() >= capacity_) {
      return false;
    }
    items_.push_back(std::move(value));
    not_empty_.pulse();
    return true;
  }
  // False when the channel is closed.
  Task<bool> send(T value) {
    while (!closed_ && items_.size() >= capacity_) {
      co_await not_full_.wait();
    }
    co_return try_send(std::move(value));
  }
  Task<std::optional<T>> receive() {
    while (items_.empty() && !closed_) {
      co_await not_empty_.wait();
    }
    co_return try_receive();
  }
  std::optional<T> try_receive() {
    if (items_.empty()) {
      return std::nullopt;
    }
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    not_full_.pulse();
    return value;
  }
  void close() {
    closed_ = true;
    not_full_.pulse();
    not_empty_.pulse();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }

 private:
  std::size_t capacity_;
  std::deque<T> items_;
  bool closed_ = false;
  Event not_full_;
  Event not_empty_;
};

}  // namespace roadstead::io
