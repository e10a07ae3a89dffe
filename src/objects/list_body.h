// SPDX-License-Identifier: Apache-2.0
// The body of a list as JSON, made piece by piece from the objects' own texts: however long a list
// is, it is never one text in memory. Immutable objects, so it may be read on any shard.
#pragma once

#include <string>
#include <vector>

#include "objects/kind.h"
#include "objects/object.h"
#include "objects/table.h"

namespace roadstead::objects {

class ListBody {
 public:
  ListBody(const Kind& kind, std::vector<ObjectPtr> objects, const ListMeta& meta);

  std::size_t size() const { return size_; }  // bytes of the whole
  // The next piece, about 128 KiB unless one object is longer; "" is the end.
  std::string next();
  // All that is left.
  std::string rest();

 private:
  void append_next(std::string& out);

  std::string head_;
  std::vector<ObjectPtr> objects_;
  std::string tail_;
  std::size_t size_;
  std::size_t done_ = 0;  // 0: the head is next, then the objects, then the tail
};

json::object list_meta(const ListMeta& meta);

}  // namespace roadstead::objects
