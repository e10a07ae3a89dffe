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

// A body must be an object of the kind's group and version.
Result<void> check_body(const Kind& kind, const json::value& body);
// `kind` must be the kind's, which is found out later than the rest.
Result<void> check_kind_name(const Kind& kind, const json::value& object);

// metadata must have the types of ObjectMeta; unknown fields of it are removed and returned. Fails
// with what Go's decoder says.
Result<std::vector<std::string>> coerce_metadata(const Kind& kind, json::object& object);

// Warnings about finalizers that are new in `object`.
std::vector<std::string> finalizer_warnings(const json::value* old, const json::value& object);
// Owners that are named twice are kept once; returns the warning about them.
std::vector<std::string> drop_repeated_owners(json::object& object);

// name, generateName, labels, annotations, finalizers.
void validate_metadata(const Kind& kind, const json::value& object, kube::FieldErrors& errors);
// The part of it that the API server looks at twice more when an object is updated.
void validate_changed_metadata(const json::value& object, kube::FieldErrors& errors);

// "web-" -> "web-x7k2p".
std::string generate_name(Random& random, std::string_view prefix);

// What a request to create may not bring along.
void wipe_server_fields(json::object& object);
// Sets uid, creationTimestamp and generation of a new object and clears what only the server sets.
void begin_life(json::object& object, Random& random, WallTime now);

// Carries over to `object` what a request may not change.
void keep_identity(const json::value& old, json::object& object);

bool has_finalizers(const json::value& object);

// True when something beside metadata and status differs.
bool spec_differs(const Kind& kind, const json::value& a, const json::value& b);

}  // namespace roadstead::objects
