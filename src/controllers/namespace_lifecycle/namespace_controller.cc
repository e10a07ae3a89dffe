// SPDX-License-Identifier: Apache-2.0
#include "controllers/namespace_lifecycle/namespace_controller.h"

#include "base/rfc3339.h"

namespace roadstead::controllers {
namespace {

namespace json = boost::json;

constexpr std::string_view kFinalizer = "kubernetes";
// What has finalizers goes when somebody else has done their work.
constexpr Duration kLookAgain = std::chrono::seconds(2);

kube::Resource namespaces() { return {"", "v1", "namespaces", false}; }

const json::array& list_at(const json::value& object,
                           std::initializer_list<std::string_view> path) {
  static const json::array none;
  const json::value* list = codec::find(object, path);
  return list != nullptr && list->is_array() ? list->get_array() : none;
}

bool is_held(const json::value& object) {
  for (const json::value& one : list_at(object, {"spec", "finalizers"})) {
    if (one == json::value(kFinalizer)) {
      return true;
    }
  }
  return false;
}

// "parts.test.io has 2 resource instances, ..."
std::string counted(const std::map<std::string, std::size_t>& counts, std::string_view verb) {
  std::string out;
  for (const auto& [what, count] : counts) {
    out += (out.empty() ? "" : ", ") + what + " " + std::string(verb) + " " +
           std::to_string(count) + " resource instances";
  }
  return out;
}

struct Condition {
  std::string type;
  bool holds;
  std::string reason;
  std::string message;
};

// Returns whether anything changed.
bool set_condition(json::array& conditions, const Condition& wanted, const std::string& now) {
  const std::string_view status = wanted.holds ? "True" : "False";
  json::value* found = nullptr;
  for (json::value& one : conditions) {
    if (codec::string_at(one, {"type"}) == wanted.type) {
      found = &one;
    }
  }
  if (found == nullptr) {
    conditions.push_back(json::object{{"type", wanted.type}});
    found = &conditions.back();
  }
  json::object& condition = found->as_object();
  if (codec::string_at(*found, {"status"}) == status &&
      codec::string_at(*found, {"message"}) == wanted.message) {
    return false;
  }
  if (codec::string_at(*found, {"status"}) != status) {
    condition["lastTransitionTime"] = now;
  }
  condition["status"] = status;
  condition["reason"] = wanted.reason;
  condition["message"] = wanted.message;
  return true;
}

}  // namespace

NamespaceController::NamespaceController(const kube::ControllerParts& parts,
                                         kube::Transport& transport,
                                         std::vector<kube::Resource> contents)
    : executor_(parts.executor),
      transport_(transport),
      logger_(parts.logger),
      contents_(std::move(contents)),
      informer_(parts, transport, "namespace-lifecycle/namespaces", namespaces()),
      controller_(parts, "namespace-lifecycle", *this) {
  informer_.add_handler([this](const kube::Change& change) {
    if (change.type != kube::Change::Type::Deleted && kube::is_being_deleted(*change.object)) {
      controller_.queue().add({"", change.key});
    }
  });
  controller_.add_informer(informer_);
}

io::Task<Result<kube::Reconciled>> NamespaceController::reconcile(kube::WorkKey key) {
  auto object = co_await transport_.get(namespaces(), key.object);
  if (!object.ok() && object.error().kind() == ErrorKind::NotFound) {
    co_return kube::Reconciled{};
  }
  if (!object.ok()) {
    co_return std::move(object).error();
  }
  if (!kube::is_being_deleted(*object) || !is_held(*object)) {
    co_return kube::Reconciled{};
  }
  for (const kube::Resource& resource : contents_) {
    CO_TRY_VOID(co_await empty(resource, key.object.name));
  }
  CO_TRY(const Remaining remaining, co_await look(key.object.name));
  if (!remaining.resources.empty()) {
    CO_TRY_VOID(co_await write_status(std::move(*object), remaining));
    co_return kube::Reconciled{kLookAgain};
  }
  CO_TRY_VOID(co_await finalize(std::move(*object)));
  co_return kube::Reconciled{};
}

io::Task<Result<std::vector<json::value>>> NamespaceController::list(kube::Resource resource,
                                                                     std::string ns) {
  kube::ListRequest request;
  request.resource = std::move(resource);
  request.selection.namespace_ = std::move(ns);
  request.selection.metadata_only = true;
  CO_TRY(kube::ListPage page, co_await transport_.list(std::move(request)));
  co_return std::move(page.items);
}

io::Task<Result<void>> NamespaceController::empty(kube::Resource resource, std::string ns) {
  CO_TRY(const std::vector<json::value> objects, co_await list(resource, ns));
  for (const json::value& object : objects) {
    if (kube::is_being_deleted(object)) {
      continue;
    }
    kube::RemoveOptions options;
    options.uid = kube::uid_of(object);
    const auto removed =
        co_await transport_.remove(resource, kube::key_of(object), std::move(options));
    if (!removed.ok() && removed.error().kind() != ErrorKind::NotFound) {
      co_return removed;
    }
  }
  co_return Result<void>();
}

io::Task<Result<NamespaceController::Remaining>> NamespaceController::look(std::string ns) {
  Remaining out;
  for (const kube::Resource& resource : contents_) {
    CO_TRY(const std::vector<json::value> objects, co_await list(resource, ns));
    for (const json::value& object : objects) {
      ++out.resources[resource.to_string()];
      for (const json::value& finalizer : list_at(object, {"metadata", "finalizers"})) {
        ++out.finalizers[std::string(finalizer.as_string())];
      }
    }
  }
  co_return out;
}

io::Task<Result<void>> NamespaceController::write_status(json::value object,
                                                         const Remaining& remaining) {
  const bool held = !remaining.finalizers.empty();
  const std::vector<Condition> wanted{
      {"NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
       "All resources successfully discovered"},
      {"NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
       "All legacy kube types successfully parsed"},
      {"NamespaceDeletionContentFailure", false, "ContentDeleted",
       "All content successfully deleted, may be waiting on finalization"},
      {"NamespaceContentRemaining", true, "SomeResourcesRemain",
       "Some resources are remaining: " + counted(remaining.resources, "has")},
      {"NamespaceFinalizersRemaining", held,
       held ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
       held ? "Some content in the namespace has finalizers remaining: " +
                  counted(remaining.finalizers, "in")
            : "All content-preserving finalizers finished"}};
  json::object& status = kube::object_at(object.as_object(), "status");
  json::value& conditions = status["conditions"];
  if (!conditions.is_array()) {
    conditions = json::array();
  }
  const std::string now = format_rfc3339(executor_.clock().wall());
  bool changed = false;
  for (const Condition& condition : wanted) {
    changed = set_condition(conditions.get_array(), condition, now) || changed;
  }
  if (!changed) {
    co_return Result<void>();
  }
  CO_TRY_VOID(co_await transport_.replace(namespaces(), std::move(object), "status"));
  co_return Result<void>();
}

io::Task<Result<void>> NamespaceController::finalize(json::value object) {
  const std::string name(kube::name_of(object));
  json::array left;
  for (const json::value& one : list_at(object, {"spec", "finalizers"})) {
    if (one != json::value(kFinalizer)) {
      left.push_back(one);
    }
  }
  kube::object_at(object.as_object(), "spec")["finalizers"] = std::move(left);
  const auto done = co_await transport_.replace(namespaces(), std::move(object), "finalize");
  if (!done.ok() && done.error().kind() != ErrorKind::NotFound) {
    co_return done.error();
  }
  logger_.info("namespace emptied and let go", {{"namespace", name}});
  co_return Result<void>();
}

}  // namespace roadstead::controllers
