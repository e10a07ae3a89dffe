// SPDX-License-Identifier: Apache-2.0
// Objects and lists as the body of an answer, in the representation that was negotiated.
#pragma once

#include <string>
#include <vector>

#include "kube/media_type.h"
#include "objects/table.h"

namespace roadstead::objects {

struct Encoding {
  kube::Negotiated form;
  TableOptions table;
};

std::string encode_object(const Kind& kind, const ObjectPtr& object, const Encoding& encoding,
                          WallTime now);
std::string encode_list(const Kind& kind, const std::vector<ObjectPtr>& objects,
                        const ListMeta& meta, const Encoding& encoding, WallTime now);
// Any other value: Status, discovery documents.
std::string encode_value(const json::value& value, const kube::Negotiated& form);

// Objects as they are: JSON without line breaks.
bool is_plain(const Encoding& encoding);

std::string_view content_type(const kube::Negotiated& form);

}  // namespace roadstead::objects
