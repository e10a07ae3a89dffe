// SPDX-License-Identifier: Apache-2.0
#include "objects/field_manager.h"

#include <utility>
#include <vector>

#include "base/rfc3339.h"
#include "kube/names.h"
#include "kube/status.h"
#include "objects/managed_fields.h"
#include "objects/object.h"
#include "objects/typed.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

FieldPath path_of(std::initializer_list<std::string_view> names) {
  FieldPath out;
  for (const std::string_view name : names) {
    out.push_back(PathElement::field(name));
  }
  return out;
}

// What the server sets by itself and nobody owns.
const FieldSet& server_fields() {
  static const FieldSet fields = [] {
    FieldSet out;
    for (const char* name : {"apiVersion", "kind", "metadata"}) {
      out.insert(path_of({name}));
    }
    for (const char* name : {"name", "namespace", "creationTimestamp", "selfLink", "uid",
                             "clusterName", "generation", "managedFields", "resourceVersion"}) {
      out.insert(path_of({"metadata", name}));
    }
    return out;
  }();
  return fields;
}

// What a write through this door cannot change.
FieldSet reset_fields(const Kind& kind, std::string_view subresource) {
  FieldSet out;
  if (subresource == "status") {
    if (!kind.native) {
      out.insert(path_of({"metadata"}));
    }
    out.insert(path_of({"spec"}));
  } else if (kind.has_status) {
    out.insert(path_of({"status"}));
  }
  return out;
}

ManagerId identity(const Kind& kind, const FieldWriter& writer, bool applies) {
  return {writer.manager.empty() ? "unknown" : writer.manager, applies ? "Apply" : "Update",
          applies ? "" : kind.api_version(), writer.subresource};
}

json::value empty_object(const Kind& kind) {
  json::object out{{"apiVersion", kind.api_version()}, {"kind", kind.kind}};
  if (kind.native) {
    out["spec"] = json::object();  // Go's types have them always
    out["status"] = json::object();
  }
  return out;
}

Comparison compare(const Kind& kind, const json::value& live, const json::value& object,
                   std::string_view subresource) {
  Comparison out = compare_typed(kind.merge->root(), live, object);
  const FieldSet reset = reset_fields(kind, subresource);
  out.removed = out.removed.without_trees(reset);
  out.modified = out.modified.without_trees(reset);
  out.added = out.added.without_trees(reset);
  return out;
}

struct Conflict {
  ManagerId manager;
  FieldPath path;
};

// Takes from every manager but `self` what was changed or removed. The conflicts that this means
// are returned, and nothing is taken unless `force`.
std::vector<Conflict> take_fields(const Kind& kind, const Comparison& change,
                                  ManagedFields& managed, const ManagerId* self, bool force) {
  const FieldSet changed = change.modified.united(change.added);
  std::vector<Conflict> conflicts;
  ManagedFields left;
  for (const auto& [id, entry] : managed) {
    if (self != nullptr && id == *self) {
      left[id] = entry;
      continue;
    }
    if (entry.api_version != kind.api_version()) {
      continue;  // of a version that is no longer served
    }
    entry.fields.common(changed).for_each(
        [&, &owner = id](const FieldPath& path) { conflicts.push_back({owner, path}); });
    ManagedEntry rest = entry;
    rest.fields = entry.fields.without(changed).without(change.removed);
    left[id] = std::move(rest);
  }
  if (!force && !conflicts.empty()) {
    return conflicts;
  }
  std::erase_if(left, [](const auto& item) { return item.second.fields.empty(); });
  managed = std::move(left);
  return {};
}

// Records an update from `live` to `object`. False when they do not fit the schema.
bool record_update(const Kind& kind, const json::value& live, const json::value& object,
                   const FieldWriter& writer, ManagedFields& managed) {
  const MergeType& root = kind.merge->root();
  const bool fits = check_typed(root, object, Duplicates::Allow).ok() &&
                    check_typed(root, live, Duplicates::Allow).ok();
  if (!fits) {
    return false;
  }
  const Comparison change = compare(kind, live, object, writer.subresource);
  take_fields(kind, change, managed, nullptr, true);
  const FieldSet mine = change.modified.united(change.added).without(server_fields());
  if (!mine.empty()) {
    ManagedEntry& entry = managed[identity(kind, writer, false)];
    entry.api_version = kind.api_version();
    entry.fields = entry.fields.united(mine);
    entry.time = format_rfc3339(writer.now);
  }
  cap_managers(managed);
  return true;
}

bool resets(const json::value& list) {
  return list.is_array() && list.get_array().size() == 1 && list.get_array()[0].is_object() &&
         list.get_array()[0].get_object().empty();
}

ManagedFields entries_or_none(const json::value& list) {
  auto decoded = decode_managed_fields(list);
  return decoded.ok() ? std::move(*decoded) : ManagedFields();
}

// What the request brought along, or what was there.
ManagedFields starting_point(const json::value* live, const json::value& object,
                             const FieldWriter& writer) {
  const json::value before = live == nullptr ? json::value(nullptr) : managed_fields_of(*live);
  const json::value brought = managed_fields_of(object);
  if (writer.subresource.empty()) {
    if (resets(brought)) {
      return {};
    }
    auto decoded = decode_managed_fields(brought);
    if (decoded.ok() && !decoded->empty()) {
      return std::move(*decoded);
    }
  }
  return entries_or_none(before);
}

std::string name_for_errors(const Kind& kind, const json::value& object) {
  return std::string(kube::namespace_of(object)) + "/" + std::string(kube::name_of(object)) + "; " +
         kind.group + "/" + kind.version + ", Kind=" + kind.kind;
}

Error conflict_error(const std::vector<Conflict>& conflicts) {
  kube::Status status;
  status.code = 409;
  status.reason = "Conflict";
  std::map<ManagerId, std::vector<std::string>> by_manager;
  for (const Conflict& conflict : conflicts) {
    const std::string path = to_string(conflict.path);
    status.causes.push_back(
        {"FieldManagerConflict", "conflict with " + conflict.manager.describe(), path});
    by_manager[conflict.manager].push_back(path);
  }
  if (conflicts.size() == 1) {
    status.message =
        "Apply failed with 1 conflict: " + status.causes[0].message + ": " + status.causes[0].field;
  } else {
    status.message = "Apply failed with " + std::to_string(conflicts.size()) + " conflicts: ";
    bool first = true;
    for (const auto& [manager, paths] : by_manager) {
      status.message +=
          std::string(first ? "" : "\n") + "conflicts with " + manager.describe() + ":";
      first = false;
      for (const std::string& path : paths) {
        status.message += "\n- " + path;
      }
    }
  }
  return kube::make_error(ErrorKind::Conflict, std::move(status));
}

// Takes away what the manager applied last time and does not apply now, unless others own it too.
json::value prune_applied(const MergeType& root, const json::value& merged,
                          const ManagedFields& managed, const FieldSet& last) {
  if (last.empty()) {
    return merged;
  }
  const FieldSet named = with_named_fields(last, &root);
  json::value pruned = remove_fields(root, merged, named);
  FieldSet owned;
  for (const auto& [id, entry] : managed) {
    owned = owned.united(entry.fields);
  }
  const FieldSet all = with_named_fields(fields_of(root, merged), &root);
  const auto kept = [&] { return with_named_fields(fields_of(root, pruned), &root); };
  const FieldSet gone = all.without(kept().united(with_named_fields(owned, &root)));
  pruned = remove_fields(root, merged, gone);
  return remove_fields(root, merged, all.without(kept()).common(named));
}

struct Applied {
  json::value object;
  ManagedFields managed;
  std::vector<Conflict> conflicts;  // not forced: then there is no object
};

Applied apply_once(const Kind& kind, const json::value& live, const json::value& config,
                   const FieldWriter& writer, ManagedFields managed, bool force) {
  const MergeType& root = kind.merge->root();
  const ManagerId self = identity(kind, writer, true);
  const FieldSet last = managed.contains(self) ? managed[self].fields : FieldSet();
  const std::string last_time = managed.contains(self) ? managed[self].time : "";
  const json::value merged = merge_typed(root, live, config);
  managed[self] = {kind.api_version(), last_time,
                   fields_of(root, config).without_trees(reset_fields(kind, writer.subresource))};
  Applied out;
  out.object = prune_applied(root, merged, managed, last);
  const Comparison change = compare(kind, live, out.object, writer.subresource);
  out.conflicts = take_fields(kind, change, managed, &self, force);
  if (!out.conflicts.empty()) {
    return out;
  }
  if (const auto mine = managed.find(self); mine != managed.end()) {
    mine->second.fields = mine->second.fields.without(server_fields());
    if (compare_values(live, out.object) != 0) {
      mine->second.time = format_rfc3339(writer.now);
    }
    if (mine->second.fields.empty()) {
      managed.erase(mine);
    }
  }
  out.managed = std::move(managed);
  return out;
}

// Fields of the annotation that kubectl apply leaves behind which still are as it says: those may
// be taken over by `kubectl apply --server-side` without a conflict.
FieldSet last_applied_fields(const Kind& kind, const json::value& live) {
  const auto annotation = kube::annotation(live, kLastApplied);
  if (!annotation || annotation->empty()) {
    return {};
  }
  auto parsed = codec::parse_json(*annotation);
  const MergeType& root = kind.merge->root();
  const bool usable = parsed.ok() && parsed->is_object() &&
                      codec::string_at(*parsed, {"apiVersion"}) == kind.api_version() &&
                      check_typed(root, *parsed, Duplicates::Refuse).ok();
  if (!usable) {
    return {};
  }
  const Comparison change = compare_typed(root, *parsed, live);
  return fields_of(root, *parsed)
      .without(change.modified)
      .without(change.added)
      .without(change.removed);
}

void refresh_last_applied(json::value& object, const json::value& config) {
  const auto present = kube::annotation(object, kLastApplied);
  if (!present || present->empty()) {
    return;
  }
  json::value copy = config;
  json::object& metadata = kube::metadata_of(copy.get_object());
  if (json::value* annotations = metadata.if_contains("annotations");
      annotations != nullptr && annotations->is_object()) {
    annotations->get_object().erase(kLastApplied);
    if (annotations->get_object().empty()) {
      metadata.erase("annotations");
    }
  }
  sort_names(copy);
  json::object& target = kube::metadata_of(object.get_object());
  kube::object_at(target, "annotations")[kLastApplied] = codec::write_json(copy) + "\n";
}

Result<void> check_config(const Kind& kind, const json::value& config) {
  const std::string_view version = codec::string_at(config, {"apiVersion"});
  const std::string_view name = codec::string_at(config, {"kind"});
  if (version != kind.api_version() || name != kind.kind) {
    const std::size_t slash = version.find('/');
    const std::string_view group = slash == std::string_view::npos ? "" : version.substr(0, slash);
    const std::string_view rest =
        slash == std::string_view::npos ? version : version.substr(slash + 1);
    return kube::bad_request("invalid object type: " + std::string(group) + "/" +
                             std::string(rest) + ", Kind=" + std::string(name));
  }
  const json::value managed = managed_fields_of(config);
  if (managed.is_array()) {
    return kube::bad_request("metadata.managedFields must be nil");
  }
  auto checked = check_typed(kind.merge->root(), config, Duplicates::Refuse);
  if (!checked.ok()) {
    return kube::server_error("failed to create typed patch object (" +
                              name_for_errors(kind, config) + "): " + checked.error().message());
  }
  return {};
}

}  // namespace

void track_update(const Kind& kind, const json::value* live, json::value& object,
                  const FieldWriter& writer) {
  ManagedFields managed = starting_point(live, object, writer);
  kube::metadata_of(object.get_object()).erase("managedFields");
  const bool untracked = managed.empty() && live != nullptr;
  const bool other_type = codec::string_at(object, {"kind"}) != kind.kind ||
                          codec::string_at(object, {"apiVersion"}) != kind.api_version();
  if (untracked || other_type) {
    return;
  }
  json::value before = live == nullptr ? empty_object(kind) : *live;
  kube::metadata_of(before.get_object()).erase("managedFields");
  if (live == nullptr) {
    before.get_object().erase("metadata");
  }
  if (record_update(kind, before, object, writer, managed)) {
    set_managed_fields(object, managed);
  }
}

Result<json::value> apply_config(const Kind& kind, const json::value* live,
                                 const json::value& config, const FieldWriter& writer, bool force) {
  TRY_VOID(check_config(kind, config));
  const json::value before = live == nullptr ? empty_object(kind) : *live;
  auto decoded = decode_managed_fields(managed_fields_of(before));
  if (!decoded.ok()) {
    return kube::server_error("failed to decode managed fields: " + decoded.error().message());
  }
  ManagedFields managed = std::move(*decoded);
  if (managed.empty() && live != nullptr) {
    json::value plain = before;
    kube::metadata_of(plain.get_object()).erase("managedFields");
    record_update(kind, empty_object(kind), plain,
                  {"before-first-apply", writer.subresource, writer.now}, managed);
  }
  const bool kubectl = writer.manager == "kubectl";
  Applied applied = apply_once(kind, before, config, writer, managed, force);
  if (!applied.conflicts.empty() && kubectl) {
    const FieldSet allowed = last_applied_fields(kind, before);
    std::erase_if(applied.conflicts,
                  [&](const Conflict& conflict) { return allowed.has(conflict.path); });
    if (applied.conflicts.empty()) {
      applied = apply_once(kind, before, config, writer, managed, true);
    }
  }
  if (!applied.conflicts.empty()) {
    return conflict_error(applied.conflicts);
  }
  if (!applied.object.is_object()) {
    applied.object = empty_object(kind);
  }
  if (kubectl) {
    refresh_last_applied(applied.object, config);
  }
  set_managed_fields(applied.object, applied.managed);
  return std::move(applied.object);
}

void track_scale(const Kind& kind, json::value& object, const FieldWriter& writer, bool owned) {
  FieldPath path;
  for (const std::string& name : kind.scale->spec_replicas) {
    path.push_back(PathElement::field(name));
  }
  FieldSet replicas;
  replicas.insert(path);
  ManagedFields managed = entries_or_none(managed_fields_of(object));
  bool tracked = false;
  for (auto& [id, entry] : managed) {
    tracked = tracked || entry.fields.has(path);
    entry.fields = entry.fields.without(replicas);
  }
  if (!tracked) {
    return;
  }
  std::erase_if(managed, [](const auto& item) { return item.second.fields.empty(); });
  if (owned) {
    // Without a time, as the API server does it.
    managed[identity(kind, writer, false)] = {kind.api_version(), "", replicas};
  }
  set_managed_fields(object, managed);
}

bool only_times_differ(const json::value& before, const json::value& after) {
  const auto timeless = [](json::value object) {
    json::value* list = nullptr;
    if (json::object* metadata = object.get_object()["metadata"].if_object()) {
      metadata->erase("resourceVersion");
      list = metadata->if_contains("managedFields");
    }
    if (list != nullptr && list->is_array()) {
      for (json::value& one : list->get_array()) {
        if (json::object* entry = one.if_object()) {
          entry->erase("time");
        }
      }
    }
    return object;
  };
  const json::value old_list = managed_fields_of(before);
  const json::value new_list = managed_fields_of(after);
  if (!old_list.is_array() || !new_list.is_array()) {
    return false;
  }
  return same_value(timeless(before), timeless(after));
}

}  // namespace roadstead::objects
