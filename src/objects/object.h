// SPDX-License-Identifier: Apache-2.0
// An object as it is kept in memory: its final JSON, made once and shared by everybody who reads or
// watches it. Immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"
#include "kube/object.h"
#include "storage/object_store.h"

namespace roadstead::objects {

namespace json = boost::json;
using storage::Revision;

struct Object {
  kube::ObjectKey key;
  Revision revision = 0;
  std::string text;  // JSON with metadata.resourceVersion

  json::value parse() const;
};
using ObjectPtr = std::shared_ptr<const Object>;

// From what the store holds, which has no resourceVersion. Fails with Storage when it is no JSON.
Result<ObjectPtr> make_object(const storage::Key& key, Revision revision, std::string_view stored);
// From a value; sets its resourceVersion, or removes it for revision 0.
ObjectPtr make_object(json::value value, Revision revision);
// What goes into the store: no resourceVersion, names in order.
std::string stored_form(const json::value& object);

// Whole numbers that were written with a point or an exponent, as integers: Go writes both alike.
void plain_numbers(json::value& value);

// Names of every object in order, as Go writes maps.
void sort_names(json::value& value);

// "12" -> 12. Kubernetes' resourceVersion "0" and "" are for the caller to tell apart.
Result<Revision> parse_revision(std::string_view text);
// 400, as the API server words it.
Error bad_revision(std::string_view text);

}  // namespace roadstead::objects
