// SPDX-License-Identifier: Apache-2.0
// A kind as its CRD declares it, compiled once and immutable. The registry owns all kinds and is
// built at start; references to kinds live as long as it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "kube/status.h"
#include "objects/json_path.h"
#include "objects/merge_type.h"
#include "objects/schema.h"

namespace roadstead::objects {

struct PrinterColumn {
  std::string name;
  std::string type;  // string, integer, number, boolean, date
  std::string format;
  std::string description;
  std::int64_t priority = 0;  // above 0: only with -o wide
  JsonPath path;
};

struct SelectableField {
  std::string name;  // "spec.username"
  JsonPath path;
};

// Where the scale subresource finds its numbers: names from the root of an object.
struct ScalePaths {
  std::vector<std::string> spec_replicas;
  std::vector<std::string> status_replicas;
  std::vector<std::string> label_selector;  // empty: none
};

struct Kind {
  std::string group;
  std::string version;
  std::string kind;
  std::string list_kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  // A kind of Kubernetes itself (core/v1), which an API server decodes into types of its own and
  // treats by rules of its own: see namespaces.h.
  bool native = false;
  bool namespaced = false;
  bool has_status = false;
  std::optional<ScalePaths> scale;
  std::vector<PrinterColumn> columns;
  std::vector<SelectableField> selectable;
  std::unique_ptr<Schema> schema;
  std::unique_ptr<MergeSchema> merge;  // the same for server-side apply
  json::value schema_source;           // openAPIV3Schema as written, for OpenAPI documents

  kube::GroupResource resource() const { return {group, plural}; }
  std::string storage_name() const { return group.empty() ? plural : plural + "." + group; }
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  // "/apis/roadstead.io/v1alpha1"
  std::string base_path() const { return (native ? "/api/" : "/apis/") + api_version(); }
};

// Reads one CustomResourceDefinition (apiextensions.k8s.io/v1) with one version.
Result<std::unique_ptr<Kind>> parse_kind(const json::value& crd);

class KindRegistry {
 public:
  // The kinds of this program.
  static Result<KindRegistry> builtin();

  // Fails on a plural, kind or short name that another kind of the group has.
  Result<void> add(std::unique_ptr<Kind> kind);
  const Kind* find(std::string_view group, std::string_view version, std::string_view plural) const;
  const Kind* find_kind(std::string_view group, std::string_view kind) const;
  const std::vector<std::unique_ptr<Kind>>& all() const { return kinds_; }
  // Groups in order of name, each with its versions.
  std::map<std::string, std::vector<std::string>> groups() const;

 private:
  std::vector<std::unique_ptr<Kind>> kinds_;
};

}  // namespace roadstead::objects
