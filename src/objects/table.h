// SPDX-License-Identifier: Apache-2.0
// Table and PartialObjectMetadata forms of objects (meta.k8s.io), as `kubectl get` asks for them.
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "objects/kind.h"
#include "objects/object.h"

namespace roadstead::objects {

// What a row carries beside its cells: query parameter includeObject.
enum class IncludeObject : unsigned char { None, Metadata, Object };

struct TableOptions {
  std::string version = "v1";  // of meta.k8s.io
  IncludeObject include = IncludeObject::Metadata;
  bool headers = true;
};

struct ListMeta {
  Revision revision = 0;
  std::string continue_token;
  std::optional<std::int64_t> remaining;
};

json::object table_of(const Kind& kind, const std::vector<ObjectPtr>& objects, const ListMeta& meta,
                      const TableOptions& options, WallTime now);

json::object partial_metadata(const json::value& object, std::string_view version);

// "5m12s", "3d4h": apimachinery/pkg/util/duration HumanDuration.
std::string human_duration(Duration d);

}  // namespace roadstead::objects
