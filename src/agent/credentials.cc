// SPDX-License-Identifier: Apache-2.0
#include "agent/credentials.h"

#include <algorithm>
#include <array>

#include "codec/base64.h"
#include "codec/yaml.h"
#include "crypto/digest.h"
#include "kube/object.h"
#include "net/socket.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr std::size_t kMaxValueBytes = 512 * 1024;

std::string decode_line_folded(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  return out;
}

Result<std::string> value_of(const json::value& secret, std::string_view key) {
  // A manifest may carry stringData; the API server never gives it back.
  if (const json::value* plain = codec::find(secret, {"stringData", key});
      plain != nullptr && plain->is_string()) {
    return std::string(plain->get_string());
  }
  const json::value* coded = codec::find(secret, {"data", key});
  if (coded == nullptr || !coded->is_string()) {
    return std::string();
  }
  auto bytes = codec::base64_decode(decode_line_folded(coded->get_string()));
  if (!bytes.ok() || bytes->size() > kMaxValueBytes) {
    return Error(ErrorKind::InvalidArgument, "data[\"" + std::string(key) +
                                                 "\"] of the Agent's Secret is no base64 text; " +
                                                 "download the manifest again and apply it");
  }
  return bytes;
}

Error missing(std::string_view key) {
  return Error(ErrorKind::InvalidArgument, "data[\"" + std::string(key) +
                                               "\"] of the Agent's Secret is missing; " +
                                               "download the manifest again and apply it");
}

void put(json::object& data, std::string_view key, std::string_view value) {
  if (value.empty()) {
    data.erase(key);
  } else {
    data[key] = codec::base64_encode(value);
  }
}

// `kubectl apply` keeps a copy of what was applied, the token included.
void forget_applied_token(json::object& secret) {
  constexpr std::string_view kApplied = "kubectl.kubernetes.io/last-applied-configuration";
  json::object& annotations = kube::object_at(kube::metadata_of(secret), "annotations");
  const json::value* kept = annotations.if_contains(kApplied);
  if (kept == nullptr || !kept->is_string()) {
    return;
  }
  auto applied = codec::parse_json(kept->get_string());
  if (!applied.ok() || !applied->is_object()) {
    annotations.erase(kApplied);
    return;
  }
  for (const std::string_view field : {"data", "stringData"}) {
    json::value* values = applied->get_object().if_contains(field);
    if (values != nullptr && values->is_object()) {
      values->get_object().erase("token");
    }
  }
  annotations[kApplied] = codec::write_json(*applied);
}

bool is_secret_named(const json::value& object, std::string_view name) {
  return codec::string_at(object, {"kind"}) == "Secret" && kube::name_of(object) == name;
}

}  // namespace

bool Credentials::has_fresh_token() const {
  return !token.empty() && crypto::sha256_hex(token.reveal()) != used_token;
}

json::value Credentials::to_secret(json::value base) const {
  if (!base.is_object()) {
    base = json::object{{"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "Opaque"}};
  }
  json::object& object = base.get_object();
  object.erase("stringData");
  json::object& data = kube::object_at(object, "data");
  put(data, "hub", hub);
  put(data, "cluster", cluster);
  put(data, "cluster-uid", cluster_uid);
  put(data, "hub-roots.pem", hub_roots_pem);
  put(data, "user-roots.pem", user_roots_pem);
  put(data, "token", token.reveal());
  put(data, "token-used", used_token);
  put(data, "next.key", next_key_pem.reveal());
  put(data, "tls.key", private_key_pem.reveal());
  put(data, "tls.crt", certificate_pem);
  if (token.empty() && kube::metadata_of(object).contains("annotations")) {
    forget_applied_token(object);
  }
  if (!version.empty()) {
    kube::metadata_of(object)["resourceVersion"] = version;
  }
  return base;
}

Result<Credentials> Credentials::from_secret(const json::value& secret) {
  Credentials c;
  TRY(c.hub, value_of(secret, "hub"));
  TRY(c.cluster, value_of(secret, "cluster"));
  TRY(c.cluster_uid, value_of(secret, "cluster-uid"));
  TRY(c.hub_roots_pem, value_of(secret, "hub-roots.pem"));
  TRY(c.user_roots_pem, value_of(secret, "user-roots.pem"));
  TRY(c.certificate_pem, value_of(secret, "tls.crt"));
  TRY(c.used_token, value_of(secret, "token-used"));
  TRY(std::string token, value_of(secret, "token"));
  TRY(std::string next_key, value_of(secret, "next.key"));
  TRY(std::string key, value_of(secret, "tls.key"));
  c.token = Secret(std::move(token));
  c.next_key_pem = Secret(std::move(next_key));
  c.private_key_pem = Secret(std::move(key));
  c.version = kube::resource_version_of(secret);
  const std::array<std::pair<std::string_view, const std::string*>, 5> required{
      {{"hub", &c.hub},
       {"cluster", &c.cluster},
       {"cluster-uid", &c.cluster_uid},
       {"hub-roots.pem", &c.hub_roots_pem},
       {"user-roots.pem", &c.user_roots_pem}}};
  for (const auto& [key_name, value] : required) {
    if (value->empty()) {
      return missing(key_name);
    }
  }
  const auto address = net::parse_host_port(c.hub, "8443");
  if (!address.ok()) {
    return Error(ErrorKind::InvalidArgument,
                 "data[\"hub\"] of the Agent's Secret: " + address.error().message());
  }
  return c;
}

Result<json::value> find_secret(std::string_view text, std::string_view name) {
  TRY(std::vector<json::value> documents, codec::parse_yaml(text));
  for (json::value& document : documents) {
    if (is_secret_named(document, name)) {
      return std::move(document);
    }
    json::value* items =
        document.is_object() ? document.get_object().if_contains("items") : nullptr;
    if (items == nullptr || !items->is_array()) {
      continue;
    }
    for (json::value& item : items->get_array()) {
      if (is_secret_named(item, name)) {
        return std::move(item);
      }
    }
  }
  return Error(ErrorKind::InvalidArgument,
               "no Secret \"" + std::string(name) +
                   "\" in it; give the manifest as downloaded from the hub, or its Secret");
}

}  // namespace roadstead::agent
