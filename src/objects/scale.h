// SPDX-License-Identifier: Apache-2.0
// The scale subresource: an autoscaling/v1 Scale as a view of an object of a kind that declares
// where its numbers of replicas are. Pure functions.
#pragma once

#include "kube/field_error.h"
#include "objects/kind.h"

namespace roadstead::objects {

// Fails when the object does not say how many replicas it wants.
Result<json::value> scale_of(const Kind& kind, const json::value& object);
// The same with 0 in that case.
json::value scale_or_zero(const Kind& kind, const json::value& object);

// What a request may send as a Scale. Fails on another kind and on wrong types.
Result<void> check_scale(const json::value& scale);
// Writes the number of replicas of `scale` into `object`; returns whether it is another one.
bool set_replicas(const Kind& kind, const json::value& scale, json::value& object);

// Numbers of replicas that cannot be; with those of the specification unless only the status is
// written.
void validate_scale(const Kind& kind, const json::value& object, bool only_status,
                    kube::FieldErrors& errors);

}  // namespace roadstead::objects
