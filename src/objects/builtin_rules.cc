// SPDX-License-Identifier: Apache-2.0
#include "objects/builtin_rules.h"

#include "kube/names.h"

namespace roadstead::objects {
namespace {

Error invalid_object(const AdmissionRequest& request, const kube::FieldErrors& errors) {
  return kube::invalid(request.kind.group, request.kind.kind, kube::name_of(*request.object),
                       errors);
}

class ClusterName final : public AdmissionRule {
 public:
  std::string_view name() const override { return "a cluster's name is a DNS label"; }
  io::Task<Result<void>> review(AdmissionRequest& request) override {
    if (request.operation != Operation::Create) {
      co_return Result<void>();
    }
    const std::string_view name = kube::name_of(*request.object);
    kube::FieldErrors errors;
    for (const std::string& complaint : kube::check_dns1123_label(name)) {
      errors.push_back(kube::invalid("metadata.name", json::value(name), complaint));
    }
    co_return errors.empty() ? Result<void>() : invalid_object(request, errors);
  }
};

class CredentialIsFinal final : public AdmissionRule {
 public:
  std::string_view name() const override {
    return "a credential's specification cannot be changed, except revoked to true";
  }
  io::Task<Result<void>> review(AdmissionRequest& request) override {
    if (request.operation != Operation::Update || !request.subresource.empty()) {
      co_return Result<void>();
    }
    kube::FieldErrors errors;
    const json::value* before = codec::find(*request.old_object, {"spec"});
    const json::value* after = codec::find(*request.object, {"spec"});
    const json::object old_spec = before == nullptr ? json::object() : before->as_object();
    const json::object new_spec = after == nullptr ? json::object() : after->as_object();
    for (const char* field : {"username", "request", "expirationSeconds", "usage"}) {
      const json::value* was = old_spec.if_contains(field);
      const json::value* is = new_spec.if_contains(field);
      const bool same = was == nullptr || is == nullptr ? was == is : *was == *is;
      if (!same) {
        errors.push_back(kube::invalid(std::string("spec.") + field,
                                       is == nullptr ? json::value(nullptr) : *is,
                                       "field is immutable"));
      }
    }
    const bool was_revoked = codec::bool_at(*request.old_object, {"spec", "revoked"});
    if (was_revoked && !codec::bool_at(*request.object, {"spec", "revoked"})) {
      errors.push_back(kube::forbidden("spec.revoked",
                                       "a revoked credential cannot be brought back; ask for a new "
                                       "one"));
    }
    co_return errors.empty() ? Result<void>() : invalid_object(request, errors);
  }
};

}  // namespace

void add_builtin_rules(ObjectApi& api) {
  api.add_admission("clusters", std::make_unique<ClusterName>());
  api.add_admission("credentials", std::make_unique<CredentialIsFinal>());
}

}  // namespace roadstead::objects
