// SPDX-License-Identifier: Apache-2.0
// The object API of this process as what controllers work with (kube/controller). Writes go through
// the same validation and admission as everybody's, as the principal `system:roadstead:COMPONENT`.
// Lives on the home of the object API.
#pragma once

#include <string>

#include "kube/controller/transport.h"
#include "objects/object_api.h"

namespace roadstead::objects {

class ObjectTransport final : public kube::Transport {
 public:
  // `component`: "garbage-collector"; also owns the fields that are written.
  ObjectTransport(ObjectApi& api, std::string component);

  io::Task<Result<kube::ListPage>> list(kube::ListRequest request) override;
  io::Task<Result<std::unique_ptr<kube::WatchStream>>> watch(kube::WatchRequest request) override;
  io::Task<Result<json::value>> get(kube::Resource resource, kube::ObjectKey key) override;
  io::Task<Result<json::value>> create(kube::Resource resource, json::value object) override;
  io::Task<Result<json::value>> replace(kube::Resource resource, json::value object,
                                        std::string subresource) override;
  io::Task<Result<json::value>> patch(kube::Resource resource, kube::ObjectKey key,
                                      json::value patch, std::string subresource) override;
  io::Task<Result<void>> remove(kube::Resource resource, kube::ObjectKey key,
                                kube::RemoveOptions options) override;
  void close() override { closed_ = true; }

 private:
  Result<const Kind*> kind_of(const kube::Resource& resource) const;
  WriteOptions write_options(std::string subresource) const;

  ObjectApi& api_;
  std::string component_;
  RequestContext context_;
  bool closed_ = false;
};

// How controllers name a kind of this program.
kube::Resource resource_of(const Kind& kind);

}  // namespace roadstead::objects
