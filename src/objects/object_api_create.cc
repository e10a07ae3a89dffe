// SPDX-License-Identifier: Apache-2.0
// create.
#include "objects/meta.h"
#include "objects/namespaces.h"
#include "objects/object_api.h"

namespace roadstead::objects {
namespace {

constexpr int kNameRetries = 8;

}  // namespace

io::Task<Result<Written>> ObjectApi::create(const RequestContext& context, const Kind& kind,
                                            std::string namespace_, json::value object,
                                            WriteOptions options) {
  std::vector<std::string> warnings;
  CO_TRY_VOID(shape(kind, object, options, warnings));
  wipe_server_fields(object.get_object());
  track_update(kind, nullptr, object, writer_of(options));
  auto written = co_await create_shaped(context, kind, std::move(namespace_), std::move(object),
                                        std::move(options));
  if (written.ok()) {
    written->warnings.insert(written->warnings.begin(), warnings.begin(), warnings.end());
  }
  co_return written;
}

io::Task<Result<void>> ObjectApi::check_namespace(const Kind& kind, std::string_view namespace_,
                                                  const json::value& object) {
  const Kind* namespaces = kinds_.find_kind("", "Namespace");
  if (namespaces == nullptr) {
    co_return Result<void>();
  }
  const kube::ObjectKey key{"", std::string(namespace_)};
  ObjectPtr place = cache_.of(*namespaces).find(key);
  if (place == nullptr || is_terminating(place->parse())) {
    CO_TRY_VOID(co_await cache_.catch_up());  // another program may have made it just now
    place = cache_.of(*namespaces).find(key);
  }
  if (place == nullptr) {
    co_return kube::not_found(namespaces->resource(), namespace_);
  }
  if (is_terminating(place->parse())) {
    const std::string_view name = kube::name_of(object);
    co_return namespace_is_terminating(
        kind, name.empty() ? codec::string_at(object, {"metadata", "generateName"}) : name,
        namespace_);
  }
  co_return Result<void>();
}

io::Task<Result<Written>> ObjectApi::create_shaped(const RequestContext& context, const Kind& kind,
                                                   std::string namespace_, json::value object,
                                                   WriteOptions options) {
  Written written;
  json::object& root = object.get_object();
  json::object& metadata = kube::metadata_of(root);
  if (kind.namespaced) {
    const std::string_view named = kube::namespace_of(object);
    if (!named.empty() && named != namespace_) {
      co_return kube::bad_request(
          "the namespace of the provided object does not match the "
          "namespace sent on the request");
    }
    metadata["namespace"] = namespace_;
    CO_TRY_VOID(co_await check_namespace(kind, namespace_, object));
  }
  const std::string_view version = kube::resource_version_of(object);
  if (!options.applies && !version.empty() && version != "0") {
    co_return kube::server_error("resourceVersion should not be set on objects to be created");
  }
  begin_life(root, random_, clock_.wall());
  if (kind.native) {
    metadata.erase("generation");
    begin_namespace(object);
  } else {
    if (kind.has_status) {
      root.erase("status");
    }
    written.warnings = finalizer_warnings(nullptr, object);
  }
  const std::string prefix(codec::string_at(object, {"metadata", "generateName"}));
  const bool generated = kube::name_of(object).empty() && !prefix.empty();
  for (int attempt = 1;; ++attempt) {
    if (generated) {
      kube::metadata_of(root)["name"] = generate_name(random_, prefix);
    }
    CO_TRY_VOID(validate_object(kind, object));
    if (kind.native) {
      default_namespace(object);
    }
    CO_TRY_VOID(
        co_await admit({context, Operation::Create, kind, "", nullptr, &object, options.dry_run}));
    auto stored = co_await store_new(kind, object, options.dry_run);
    if (stored.ok()) {
      written.object = std::move(*stored);
      co_return written;
    }
    const bool taken = stored.error().kind() == ErrorKind::AlreadyExists;
    if (!generated || !taken || attempt == kNameRetries) {
      co_return std::move(stored).error();
    }
  }
}

io::Task<Result<ObjectPtr>> ObjectApi::store_new(const Kind& kind, const json::value& object,
                                                 bool dry_run) {
  const kube::ObjectKey key = kube::key_of(object);
  if (cache_.of(kind).objects().size() >= options_.max_objects) {
    co_return Error(ErrorKind::TooManyRequests,
                    "the hub holds " + std::to_string(options_.max_objects) + " " + kind.plural +
                        ", which is its limit. Delete some first");
  }
  if (dry_run) {
    CO_TRY_VOID(co_await cache_.catch_up());
    if (const ObjectPtr other = cache_.of(kind).find(key)) {
      co_return kube::is_being_deleted(other->parse())
          ? kube::being_deleted(kind.resource(), key.name)
          : kube::already_exists(kind.resource(), key.name);
    }
    json::value copy = object;
    sort_names(copy);
    co_return make_object(std::move(copy), 0);
  }
  auto revision = co_await store_.create(cache_.home(), store_key(kind, key), stored_form(object));
  if (!revision.ok()) {
    const bool taken = revision.error().kind() == ErrorKind::AlreadyExists;
    const ObjectPtr other = taken ? cache_.of(kind).find(key) : nullptr;
    if (other != nullptr && kube::is_being_deleted(other->parse())) {
      co_return kube::being_deleted(kind.resource(), key.name);
    }
    co_return store_error(kind, key, std::move(revision).error());
  }
  co_return co_await finish_write(kind, object, *revision);
}

}  // namespace roadstead::objects
