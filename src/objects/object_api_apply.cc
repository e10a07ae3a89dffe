// SPDX-License-Identifier: Apache-2.0
// Server-side apply.
#include "kube/names.h"
#include "objects/meta.h"
#include "objects/namespaces.h"
#include "objects/object_api.h"

namespace roadstead::objects {
namespace {

constexpr int kRetries = 5;

// The name and namespace of the request go for those of the configuration.
Result<void> check_place(const Kind& kind, const kube::ObjectKey& key, json::value& object) {
  const std::string name(kube::name_of(object));
  if (name.empty()) {
    return kube::bad_request("the name of the object (" + key.name +
                             " based on URL) was undeterminable: name must be provided");
  }
  if (name != key.name) {
    return kube::bad_request("the name of the object (" + name +
                             ") does not match the name on the URL (" + key.name + ")");
  }
  if (kind.namespaced) {
    const std::string_view named = kube::namespace_of(object);
    if (!named.empty() && named != key.namespace_) {
      return kube::bad_request(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
    kube::metadata_of(object.get_object())["namespace"] = key.namespace_;
  }
  return {};
}

}  // namespace

io::Task<Result<Written>> ObjectApi::apply(const RequestContext& context, const Kind& kind,
                                           kube::ObjectKey key, json::value config,
                                           WriteOptions options) {
  for (int attempt = 0;; ++attempt) {
    CO_TRY_VOID(co_await cache_.catch_up());
    const ObjectPtr before = cache_.of(kind).find(key);
    if (before == nullptr && !options.subresource.empty()) {
      co_return kube::not_found(kind.resource(), key.name);
    }
    const json::value old = before == nullptr ? json::value(nullptr) : before->parse();
    CO_TRY(json::value object, apply_config(kind, before == nullptr ? nullptr : &old, config,
                                            writer_of(options), options.force));
    if (auto coerced = coerce_metadata(kind, object.get_object()); !coerced.ok()) {
      co_return kube::bad_request(coerced.error().message());
    }
    apply_defaults(*kind.schema, object, Nulls::Keep);
    if (kind.native) {
      default_namespace(object);
    }
    CO_TRY_VOID(check_place(kind, key, object));
    const std::string_view uid = kube::uid_of(object);
    if (before == nullptr && !uid.empty()) {
      co_return kube::conflict(kind.resource(), key.name,
                               "uid mismatch: the provided object specified uid " +
                                   std::string(uid) + ", and no existing object was found");
    }
    const std::string_view version = kube::resource_version_of(object);
    if (before != nullptr && !version.empty() && version != std::to_string(before->revision)) {
      co_return kube::object_modified(kind.resource(), key.name);
    }
    Result<Written> written = Written{};
    options.applies = true;
    if (before == nullptr) {
      written = co_await create_shaped(context, kind, key.namespace_, std::move(object), options);
      if (written.ok()) {
        written->created = true;
      }
    } else {
      written = co_await replace(context, kind, before, old, std::move(object), options);
    }
    // Somebody else was faster.
    const bool again = !written.ok() && attempt < kRetries &&
                       (written.error().kind() == ErrorKind::Conflict ||
                        written.error().kind() == ErrorKind::AlreadyExists);
    if (!again) {
      co_return written;
    }
  }
}

}  // namespace roadstead::objects
