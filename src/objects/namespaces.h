// SPDX-License-Identifier: Apache-2.0
// Namespaces (core/v1): what the API server does for them and a CRD cannot say (pkg/registry/core/
// namespace, and the admission plug-in NamespaceLifecycle). Pure functions, except the last.
//
// A namespace is deleted in steps: the first delete marks it and makes it Terminating; when its
// objects are gone, a controller takes "kubernetes" out of spec.finalizers through the subresource
// `finalize` (Client::finalize), and with that it goes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "io/task.h"
#include "kube/field_error.h"
#include "objects/object.h"

namespace roadstead::objects {

class ObjectApi;
struct Kind;

inline constexpr std::string_view kDefaultNamespace = "default";
inline constexpr std::string_view kNamespaceFinalizer = "kubernetes";
inline constexpr std::string_view kFinalizeSubresource = "finalize";

// The form that Go's types give a namespace: spec and status are there, its name is a label.
void default_namespace(json::value& object);
// Fails when a field beside metadata has the wrong type.
Result<void> check_namespace_types(const json::value& object);
// A new one is Active and held by "kubernetes".
void begin_namespace(json::value& object);
// Takes back what an update through `subresource` may not change.
void keep_of_namespace(const json::value& old, json::value& object, std::string_view subresource);
// `old`: nullptr for a new one. What is asked of every object's metadata is not looked at.
void validate_namespace(const json::value& object, const json::value* old,
                        std::string_view subresource, kube::FieldErrors& errors);

bool is_terminating(const json::value& object);
// Nobody holds it any more by spec.finalizers.
bool is_finalized(const json::value& object);
// What the first delete makes of it, beside metadata.finalizers.
void begin_termination(json::value& object, std::string_view now);

// 403: nothing new in a namespace that is going.
Error namespace_is_terminating(const Kind& kind, std::string_view name,
                               std::string_view namespace_);

// The namespace `default` is there, whoever made it. For the start of a program.
io::Task<Result<void>> ensure_default_namespace(ObjectApi& api);

}  // namespace roadstead::objects
