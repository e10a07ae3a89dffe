// SPDX-License-Identifier: Apache-2.0
#include "objects/list_body.h"

#include <algorithm>

namespace roadstead::objects {
namespace {

constexpr std::size_t kPiece = 128 * 1024;

}  // namespace

json::object list_meta(const ListMeta& meta) {
  json::object out;
  out["continue"] = meta.continue_token;
  if (meta.remaining) {
    out["remainingItemCount"] = *meta.remaining;
  }
  out["resourceVersion"] = std::to_string(meta.revision);
  return out;
}

ListBody::ListBody(const Kind& kind, std::vector<ObjectPtr> objects, const ListMeta& meta)
    : head_("{\"apiVersion\":\"" + kind.api_version() + "\",\"items\":["),
      objects_(std::move(objects)),
      tail_("],\"kind\":\"" + kind.list_kind +
            "\",\"metadata\":" + codec::write_json(list_meta(meta)) + "}\n"),
      size_(head_.size() + tail_.size() + (objects_.empty() ? 0 : objects_.size() - 1)) {
  for (const ObjectPtr& object : objects_) {
    size_ += object->text.size();
  }
}

void ListBody::append_next(std::string& out) {
  const std::size_t now = done_++;
  if (now == 0) {
    out += head_;
  } else if (now <= objects_.size()) {
    if (now > 1) {
      out += ',';
    }
    out += objects_[now - 1]->text;
    objects_[now - 1].reset();
  } else {
    out += tail_;
  }
}

std::string ListBody::next() {
  std::string out;
  const std::size_t parts = objects_.size() + 2;
  while (done_ < parts && out.size() < kPiece) {
    if (out.empty()) {
      out.reserve(std::min(size_, kPiece + kPiece / 4));
    }
    append_next(out);
  }
  return out;
}

std::string ListBody::rest() {
  std::string out;
  out.reserve(size_);
  while (done_ < objects_.size() + 2) {
    append_next(out);
  }
  return out;
}

}  // namespace roadstead::objects
