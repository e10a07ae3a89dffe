// SPDX-License-Identifier: Apache-2.0
// How the parts of OpenAPI documents are called and refer to each other, in v2 and in v3.
#pragma once

#include <string>
#include <string_view>

#include "objects/kind.h"

namespace roadstead::objects {

inline constexpr std::string_view kMetaPrefix = "io.k8s.apimachinery.pkg.apis.meta.v1.";
inline constexpr std::string_view kScalePrefix = "io.k8s.api.autoscaling.v1.";

enum class OpenApiVersion : unsigned char { V2, V3 };

// "roadstead.io" + "v1alpha1" + "Cluster" -> "io.roadstead.v1alpha1.Cluster".
std::string schema_name(const Kind& kind, std::string_view name);
json::object schema_reference(OpenApiVersion version, std::string_view name);
// A reference that a description or default stands beside: v3 wants it in allOf.
json::object wrapped_reference(OpenApiVersion version, std::string_view name);

}  // namespace roadstead::objects
