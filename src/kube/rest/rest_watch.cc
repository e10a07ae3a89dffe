// SPDX-License-Identifier: Apache-2.0
#include "kube/rest/rest_watch.h"

namespace roadstead::kube {

Error error_of_answer(int http_status, std::string_view body) {
  return make_error(kind_of_http_status(http_status), parse_status(http_status, body));
}

void RestWatch::stop() {
  stopped_ = true;
  exchange_->reset();
}

Result<WatchEvent> RestWatch::read_event(std::string_view line) const {
  auto parsed = codec::parse_json(line, {.max_bytes = kMaxEvent});
  json::value* object =
      parsed.ok() && parsed->is_object() ? parsed->get_object().if_contains("object") : nullptr;
  if (object == nullptr) {
    return Error(ErrorKind::Protocol, "a watch event is no JSON object with an object in it");
  }
  const std::string_view type = codec::string_at(*parsed, {"type"});
  if (type == "ERROR") {
    const auto code = static_cast<int>(codec::int_at(*object, {"code"}, 500));
    return error_of_answer(code, codec::write_json(*object));
  }
  WatchEvent event;
  event.type = type == "MODIFIED"   ? EventType::Modified
               : type == "DELETED"  ? EventType::Deleted
               : type == "BOOKMARK" ? EventType::Bookmark
                                    : EventType::Added;
  if (event.type == EventType::Added && type != "ADDED") {
    return Error(ErrorKind::Protocol, "a watch event of an unknown type");
  }
  event.object = std::move(*object);
  if (metadata_only_) {
    keep_metadata(event.object);
  }
  return event;
}

// What came before an error is given first; the error line stays held for the next call.
Result<std::vector<WatchEvent>> RestWatch::take_lines() {
  std::vector<WatchEvent> out;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = held_.find('\n', std::max(begin, searched_));
    if (end == std::string::npos) {
      break;
    }
    const std::string_view line = std::string_view(held_).substr(begin, end - begin);
    if (!line.empty()) {
      auto event = read_event(line);
      if (!event.ok() && out.empty()) {
        return std::move(event).error();
      }
      if (!event.ok()) {
        searched_ = 0;
        held_.erase(0, begin);
        return out;
      }
      out.push_back(std::move(*event));
    }
    begin = end + 1;
  }
  held_.erase(0, begin);
  searched_ = held_.size();
  return out;
}

io::Task<Result<std::vector<WatchEvent>>> RestWatch::next() {
  for (;;) {
    if (stopped_) {
      co_return Error(ErrorKind::Cancelled, "the watch was stopped");
    }
    CO_TRY(std::vector<WatchEvent> events, take_lines());
    if (!events.empty()) {
      co_return events;
    }
    if (held_.size() > kMaxEvent) {
      co_return Error(ErrorKind::PayloadTooLarge, "a watch event of more than 8 MiB");
    }
    auto chunk = co_await exchange_->read();
    if (!chunk.ok()) {
      co_return guard_.expired() ? Error(ErrorKind::Network, "the watch outlived its time")
                                 : std::move(chunk).error();
    }
    if (chunk->empty()) {
      if (!held_.empty()) {
        co_return Error(ErrorKind::EndOfStream, "the watch ended in the middle of an event");
      }
      co_return std::vector<WatchEvent>();
    }
    held_ += *chunk;
  }
}

}  // namespace roadstead::kube
