// SPDX-License-Identifier: Apache-2.0
// What every object has: apiVersion, kind and metadata. Checks and rules of the API server that do
// not depend on a kind's schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "codec/json.h"
#include "kube/field_error.h"
#include "objects/kind.h"

namespace roadstead::objects {

// apiVersion and kind must be those of the kind; metadata must have the types of ObjectMeta, and
// unknown fields of it are removed and returned. managedFields are dropped: field ownership is not
// tracked yet.
Result<std::vector<std::string>> coerce_metadata(const Kind& kind, json::object& object);

// name, generateName, labels, annotations, finalizers.
void validate_metadata(const Kind& kind, const json::value& object, kube::FieldErrors& errors);

// "web-" -> "web-x7k2p".
std::string generate_name(Random& random, std::string_view prefix);

// Sets uid, creationTimestamp and generation of a new object and clears what only the server sets.
void begin_life(json::object& object, Random& random, WallTime now);

// Carries over to `object` what a request may not change.
void keep_identity(const json::value& old, json::object& object);

bool has_finalizers(const json::value& object);
bool is_being_deleted(const json::value& object);

// True when something beside metadata and status differs.
bool spec_differs(const Kind& kind, const json::value& a, const json::value& b);

}  // namespace roadstead::objects
