// SPDX-License-Identifier: Apache-2.0
#include "api/hub_rules.h"

#include "base/rfc3339.h"
#include "codec/base64.h"
#include "kube/object.h"
#include "kube/status.h"
#include "objects/builtin_rules.h"
#include "registry/manifest.h"
#include "tunnel/names.h"

namespace roadstead::api {
namespace {

namespace json = boost::json;

json::object object_of(std::string_view kind, json::object status) {
  return {{"apiVersion", "roadstead.io/v1alpha1"}, {"kind", kind}, {"status", std::move(status)}};
}

// Credentials are for oneself, unless an administrator asks.
class CredentialRule final : public objects::AdmissionRule {
 public:
  std::string_view name() const override { return "credentials-are-ones-own"; }
  io::Task<Result<void>> review(objects::AdmissionRequest& request) override {
    if (request.operation != objects::Operation::Create) {
      co_return Result<void>();
    }
    const json::value& credential = *request.object;
    if (!request.context.is_admin &&
        codec::string_at(credential, {"spec", "username"}) != request.context.username) {
      co_return kube::forbidden({"roadstead.io", "credentials"}, kube::name_of(credential),
                                "a credential can be asked for oneself only");
    }
    co_return Result<void>();
  }
};

class RegistrationAction final : public objects::Subresource {
 public:
  explicit RegistrationAction(const HubRules& rules) : rules_(rules) {}
  std::string_view kind() const override { return "ClusterRegistration"; }
  std::vector<std::string> verbs() const override { return {"create"}; }

  io::Task<Result<json::value>> serve(objects::SubresourceRequest request) override {
    const HubAddresses& addresses = rules_.addresses;
    const std::string_view endpoint =
        codec::string_at(request.body, {"spec", "endpoint"}, "public");
    if (endpoint != "public" && endpoint != "private") {
      co_return kube::bad_request("spec.endpoint: must be \"public\" or \"private\"");
    }
    const bool is_public = endpoint == "public";
    if (!is_public && addresses.private_endpoint.empty()) {
      co_return kube::bad_request(
          "spec.endpoint: this hub has no private endpoint; start it with --private-endpoint");
    }
    const std::int64_t seconds = codec::int_at(request.body, {"spec", "expirationSeconds"},
                                               kRegistrationTokenLifetime.count());
    if (seconds < kShortestTokenLifetime.count() || seconds > kRegistrationTokenLifetime.count()) {
      co_return kube::bad_request("spec.expirationSeconds: must be from 5 to 3600");
    }
    const auto snapshot = rules_.directory.snapshot();
    const auto user = snapshot->users.find(request.context.username);
    if (user == snapshot->users.end()) {
      co_return kube::forbidden({"roadstead.io", "clusters"}, kube::name_of(request.parent),
                                "only a person can register a cluster");
    }
    const std::string name(kube::name_of(request.parent));
    const std::string uid(kube::uid_of(request.parent));
    CO_TRY(auto minted, co_await rules_.registration_tokens.mint(rules_.home, uid,
                                                                 std::chrono::seconds(seconds)));
    registry::ManifestValues values;
    values.cluster = name;
    values.cluster_uid = uid;
    values.login = request.context.username;
    values.member_user = tunnel::member_user_name({"user", user->second.login, user->second.uid});
    values.registrar_role =
        codec::string_at(request.body, {"spec", "registrarRole"}, "cluster-admin");
    values.hub = is_public ? addresses.public_endpoint : addresses.private_endpoint;
    values.hub_roots_pem = pki::hub_roots_pem(rules_.authorities, rules_.clock.wall());
    values.user_roots_pem = rules_.authorities.users->certificate().pem();
    const std::string_view repository =
        codec::string_at(request.parent, {"spec", "agent", "imageRepository"});
    values.image =
        (repository.empty() ? (addresses.image_repository.empty() ? values.hub + "/roadstead/agent"
                                                                  : addresses.image_repository)
                            : std::string(repository)) +
        ":" + addresses.version;
    values.replicas =
        static_cast<int>(codec::int_at(request.parent, {"spec", "agent", "replicas"}, 2));
    values.created = format_rfc3339(rules_.clock.wall());
    values.token_expires = format_rfc3339(minted.expires);
    values.token = std::move(minted.token);
    CO_TRY(const Secret manifest, registry::render_manifest(values));
    rules_.token_minted(name, minted.expires);
    co_return json::value(object_of(kind(), {{"manifest", std::string(manifest.reveal())},
                                             {"image", values.image},
                                             {"memberUser", values.member_user},
                                             {"expirationTimestamp", values.token_expires}}));
  }

 private:
  const HubRules& rules_;
};

class ConnectionView final : public objects::Subresource {
 public:
  explicit ConnectionView(const HubRules& rules) : rules_(rules) {}
  std::string_view kind() const override { return "ClusterConnection"; }
  std::vector<std::string> verbs() const override { return {"get"}; }

  io::Task<Result<json::value>> serve(objects::SubresourceRequest request) override {
    const HubAddresses& a = rules_.addresses;
    co_return json::value(object_of(
        kind(), {{"server", "https://" + a.public_endpoint},
                 {"tlsServerName", std::string(kube::name_of(request.parent)) + "." + a.zone},
                 {"certificateAuthorityData", codec::base64_encode(a.serving_roots_pem)}}));
  }

 private:
  const HubRules& rules_;
};

class LoginCodeAction final : public objects::Subresource {
 public:
  explicit LoginCodeAction(const HubRules& rules) : rules_(rules) {}
  std::string_view kind() const override { return "LoginCode"; }
  std::vector<std::string> verbs() const override { return {"create"}; }

  io::Task<Result<json::value>> serve(objects::SubresourceRequest request) override {
    CO_TRY(const auto minted,
           co_await rules_.login_codes.mint(rules_.home, std::string(kube::uid_of(request.parent)),
                                            kLoginCodeLifetime));
    co_return json::value(
        object_of(kind(), {{"code", std::string(minted.token.reveal())},
                           {"expirationTimestamp", format_rfc3339(minted.expires)}}));
  }

 private:
  const HubRules& rules_;
};

}  // namespace

void install_hub_rules(objects::ObjectApi& api, const HubRules& rules) {
  objects::add_builtin_rules(api);
  api.add_admission("credentials", std::make_unique<CredentialRule>());
  api.add_subresource("clusters", "registration", std::make_unique<RegistrationAction>(rules));
  api.add_subresource("clusters", "connection", std::make_unique<ConnectionView>(rules));
  api.add_subresource("users", "logincode", std::make_unique<LoginCodeAction>(rules));
}

}  // namespace roadstead::api
