// SPDX-License-Identifier: Apache-2.0
#include "objects/client.h"

#include "objects/namespaces.h"

namespace roadstead::objects {

Client::Client(ObjectApi& api, std::string component)
    : api_(api), component_(std::move(component)), context_(service_context(component_)) {}

WriteOptions Client::options_of(std::string subresource) const {
  WriteOptions out;
  out.subresource = std::move(subresource);
  out.field_manager = component_;
  return out;
}

const Kind& Client::kind(std::string_view plural) const {
  for (const auto& kind : api_.kinds().all()) {
    if (kind->plural == plural) {
      return *kind;
    }
  }
  CHECK(false, "no such kind");
}

io::Task<Result<json::value>> Client::get(std::string_view plural, std::string name) {
  return get(plural, kube::ObjectKey{"", std::move(name)});
}

io::Task<Result<json::value>> Client::get(std::string_view plural, kube::ObjectKey key) {
  CO_TRY(const ObjectPtr object, co_await api_.get(kind(plural), std::move(key)));
  co_return object->parse();
}

io::Task<Result<ObjectList>> Client::list(std::string_view plural, ListOptions options) {
  CO_TRY(const Listed listed, co_await api_.list(kind(plural), std::move(options)));
  ObjectList out;
  out.resource_version = std::to_string(listed.revision);
  for (const ObjectPtr& object : listed.objects) {
    out.items.push_back(object->parse());
  }
  co_return out;
}

io::Task<Result<json::value>> Client::create(std::string_view plural, json::value object) {
  const std::string ns(kube::namespace_of(object));
  CO_TRY(const Written written,
         co_await api_.create(context_, kind(plural), ns, std::move(object), options_of("")));
  co_return written.object->parse();
}

io::Task<Result<json::value>> Client::write(std::string_view plural, json::value object,
                                            std::string subresource) {
  const kube::ObjectKey key = kube::key_of(object);
  WriteOptions options = options_of(std::move(subresource));
  CO_TRY(const Written written,
         co_await api_.update(context_, kind(plural), key, std::move(object), std::move(options)));
  co_return written.object->parse();
}

io::Task<Result<json::value>> Client::update(std::string_view plural, json::value object) {
  return write(plural, std::move(object), "");
}

io::Task<Result<json::value>> Client::update_status(std::string_view plural, json::value object) {
  return write(plural, std::move(object), "status");
}

io::Task<Result<json::value>> Client::finalize(json::value namespace_object) {
  return write("namespaces", std::move(namespace_object), std::string(kFinalizeSubresource));
}

io::Task<Result<json::value>> Client::merge(std::string_view plural, kube::ObjectKey key,
                                            json::value patch, std::string subresource) {
  WriteOptions options = options_of(std::move(subresource));
  CO_TRY(const Written written,
         co_await api_.patch(context_, kind(plural), std::move(key), PatchType::Merge,
                             std::move(patch), std::move(options)));
  co_return written.object->parse();
}

io::Task<Result<json::value>> Client::patch(std::string_view plural, std::string name,
                                            json::value patch) {
  return merge(plural, {"", std::move(name)}, std::move(patch), "");
}

io::Task<Result<json::value>> Client::patch(std::string_view plural, kube::ObjectKey key,
                                            json::value patch) {
  return merge(plural, std::move(key), std::move(patch), "");
}

io::Task<Result<json::value>> Client::patch_status(std::string_view plural, std::string name,
                                                   json::value patch) {
  return merge(plural, {"", std::move(name)}, std::move(patch), "status");
}

io::Task<Result<json::value>> Client::patch_status(std::string_view plural, kube::ObjectKey key,
                                                   json::value patch) {
  return merge(plural, std::move(key), std::move(patch), "status");
}

io::Task<Result<void>> Client::remove(std::string_view plural, std::string name,
                                      DeleteOptions options) {
  return remove(plural, kube::ObjectKey{"", std::move(name)}, std::move(options));
}

io::Task<Result<void>> Client::remove(std::string_view plural, kube::ObjectKey key,
                                      DeleteOptions options) {
  CO_TRY_VOID(co_await api_.remove(context_, kind(plural), std::move(key), std::move(options)));
  co_return Result<void>();
}

io::Task<Result<std::unique_ptr<Watch>>> Client::watch(std::string_view plural,
                                                       WatchOptions options) {
  return Watch::open(api_, kind(plural), std::move(options));
}

}  // namespace roadstead::objects
