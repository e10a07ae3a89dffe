// SPDX-License-Identifier: Apache-2.0
// The object API for the hub's own code: JSON objects in and out, no HTTP. Writes go through the
// same validation and admission as everybody's, as the principal that the client was made for.
//
// Lives on the home of the object API and is called there; cheap to make, holds no state.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "objects/object_api.h"
#include "objects/watch.h"

namespace roadstead::objects {

struct ObjectList {
  std::vector<json::value> items;
  std::string resource_version;  // a watch from here misses nothing
};

class Client {
 public:
  // `component` names who acts, for audit and admission: "controller:enrolment".
  Client(ObjectApi& api, std::string component);

  // `plural` names a kind of this program: "clusters". Unknown ones are a bug and end the process.
  io::Task<Result<json::value>> get(std::string_view plural, std::string name);
  io::Task<Result<ObjectList>> list(std::string_view plural, ListOptions options = {});
  io::Task<Result<json::value>> create(std::string_view plural, json::value object);
  // Fails with Conflict when the object has changed since it was read.
  io::Task<Result<json::value>> update(std::string_view plural, json::value object);
  io::Task<Result<json::value>> update_status(std::string_view plural, json::value object);
  // Of a Namespace: writes its spec.finalizers. When they are empty and it is being deleted, it is
  // gone with this; the answer is its last state.
  io::Task<Result<json::value>> finalize(json::value namespace_object);
  // Merge patches; retried on conflict.
  io::Task<Result<json::value>> patch(std::string_view plural, std::string name, json::value patch);
  io::Task<Result<json::value>> patch_status(std::string_view plural, std::string name,
                                             json::value patch);
  io::Task<Result<void>> remove(std::string_view plural, std::string name,
                                DeleteOptions options = {});
  // The same for an object in a namespace.
  io::Task<Result<json::value>> get(std::string_view plural, kube::ObjectKey key);
  io::Task<Result<json::value>> patch(std::string_view plural, kube::ObjectKey key,
                                      json::value patch);
  io::Task<Result<json::value>> patch_status(std::string_view plural, kube::ObjectKey key,
                                             json::value patch);
  io::Task<Result<void>> remove(std::string_view plural, kube::ObjectKey key,
                                DeleteOptions options = {});
  io::Task<Result<std::unique_ptr<Watch>>> watch(std::string_view plural, WatchOptions options);

  io::Executor& home() { return api_.cache().home(); }

 private:
  const Kind& kind(std::string_view plural) const;
  io::Task<Result<json::value>> write(std::string_view plural, json::value object,
                                      std::string subresource);
  io::Task<Result<json::value>> merge(std::string_view plural, kube::ObjectKey key,
                                      json::value patch, std::string subresource);

  WriteOptions options_of(std::string subresource) const;

  ObjectApi& api_;
  std::string component_;  // owns the fields that are written
  RequestContext context_;
};

}  // namespace roadstead::objects
