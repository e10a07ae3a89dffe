// SPDX-License-Identifier: Apache-2.0
#include "objects/openapi_names.h"

#include <algorithm>

#include "base/ascii.h"

namespace roadstead::objects {

std::string schema_name(const Kind& kind, std::string_view name) {
  if (kind.native) {
    return "io.k8s.api.core." + kind.version + "." + std::string(name);
  }
  auto parts = ascii::split(kind.group, '.');
  std::reverse(parts.begin(), parts.end());
  std::string out;
  for (const std::string_view part : parts) {
    out.append(part).append(".");
  }
  return out + kind.version + "." + std::string(name);
}

json::object schema_reference(OpenApiVersion version, std::string_view name) {
  const std::string base =
      version == OpenApiVersion::V3 ? "#/components/schemas/" : "#/definitions/";
  return {{"$ref", base + std::string(name)}};
}

json::object wrapped_reference(OpenApiVersion version, std::string_view name) {
  json::object reference = schema_reference(version, name);
  if (version == OpenApiVersion::V2) {
    return reference;
  }
  return {{"allOf", json::array{std::move(reference)}}};
}

}  // namespace roadstead::objects
