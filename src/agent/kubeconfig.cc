// SPDX-License-Identifier: Apache-2.0
// Reads a kubeconfig (k8s.io/client-go/tools/clientcmd/api/v1) for an Agent outside of its cluster.
#include "agent/api_server_access.h"
#include "agent/files.h"
#include "base/ascii.h"
#include "codec/base64.h"
#include "codec/yaml.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr std::string_view kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";

struct Reader {
  const json::value& root;
  const std::string& path;
  const FileReader& read;

  Error wrong(const std::string& field, const std::string& why) const {
    return Error(ErrorKind::InvalidArgument, path + ": " + field + ": " + why);
  }

  // The `part` ("cluster") of the entry `name` in the list `list`.
  Result<const json::value*> entry(const std::string& list, const std::string& name,
                                   std::string_view part) const {
    const json::value* entries = codec::find(root, {list});
    if (entries != nullptr && entries->is_array()) {
      for (const json::value& e : entries->get_array()) {
        const json::value* found = codec::find(e, {part});
        if (codec::string_at(e, {"name"}) == name && found != nullptr && found->is_object()) {
          return found;
        }
      }
    }
    return wrong(list, "there is no entry \"" + name + "\"");
  }

  std::string absolute(std::string_view file) const {
    const std::size_t slash = path.rfind('/');
    if (file.starts_with("/") || slash == std::string::npos) {
      return std::string(file);
    }
    return path.substr(0, slash + 1) + std::string(file);
  }

  // "certificate-authority-data", or the file that "certificate-authority" names.
  Result<std::string> data_or_file(const json::value& part, const std::string& field) const {
    const std::string data_field = field + "-data";
    if (const auto data = codec::string_at(part, {data_field}); !data.empty()) {
      auto bytes = codec::base64_decode(data);
      if (!bytes.ok()) {
        return wrong(data_field, "is no base64 text");
      }
      return bytes;
    }
    const auto file = codec::string_at(part, {field});
    if (file.empty()) {
      return std::string();
    }
    auto content = read(absolute(file));
    if (!content.ok()) {
      return wrong(field, content.error().message());
    }
    return content;
  }
};

Result<void> read_server(const Reader& r, const json::value& cluster, ApiServerAccess& access) {
  const std::string_view server = codec::string_at(cluster, {"server"});
  if (!server.starts_with("https://")) {
    return r.wrong("clusters[].cluster.server",
                   "must begin with https://, since the API server is always verified");
  }
  if (codec::bool_at(cluster, {"insecure-skip-tls-verify"})) {
    return r.wrong("clusters[].cluster.insecure-skip-tls-verify",
                   "is not supported; give certificate-authority-data instead");
  }
  if (!codec::string_at(cluster, {"proxy-url"}).empty()) {
    return r.wrong("clusters[].cluster.proxy-url",
                   "is not supported; run the Agent where the API server can be reached directly");
  }
  std::string_view rest = server.substr(8);
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    access.base_path = rest.substr(slash);
    while (access.base_path.ends_with("/")) {
      access.base_path.pop_back();
    }
    rest = rest.substr(0, slash);
  }
  auto address = net::parse_host_port(rest, "443");
  if (!address.ok()) {
    return r.wrong("clusters[].cluster.server", address.error().message());
  }
  access.address = std::move(*address);
  access.server_name = codec::string_at(cluster, {"tls-server-name"}, access.address.host);
  TRY(access.roots_pem, r.data_or_file(cluster, "certificate-authority"));
  if (access.roots_pem.empty()) {
    auto system = r.read(std::string(kSystemRoots));
    if (!system.ok()) {
      return r.wrong("clusters[].cluster.certificate-authority-data",
                     "is missing, and this machine has no " + std::string(kSystemRoots));
    }
    access.roots_pem = std::move(*system);
  }
  return {};
}

Result<void> read_user(const Reader& r, const json::value& user, ApiServerAccess& access) {
  for (const char* program : {"exec", "auth-provider"}) {
    if (codec::find(user, {program}) != nullptr) {
      return r.wrong(std::string("users[].user.") + program,
                     "is not supported: the Agent starts no programs; give it a service account's "
                     "token or a client certificate");
    }
  }
  if (codec::find(user, {"username"}) != nullptr) {
    return r.wrong("users[].user.username", "is not supported by Kubernetes any more");
  }
  TRY(std::string certificate, r.data_or_file(user, "client-certificate"));
  TRY(std::string key, r.data_or_file(user, "client-key"));
  if (certificate.empty() != key.empty()) {
    return r.wrong("users[].user", "client-certificate and client-key go together");
  }
  if (!certificate.empty()) {
    access.identity = net::TlsIdentity{std::move(certificate), Secret(std::move(key))};
  }
  const std::string_view file = codec::string_at(user, {"tokenFile"});
  if (!file.empty()) {
    access.token_file = r.absolute(file);
  } else {
    access.token = Secret(std::string(codec::string_at(user, {"token"})));
  }
  if (!access.identity.has_value() && access.token_file.empty() && access.token.empty()) {
    return r.wrong("users[].user", "holds neither a token nor a client certificate");
  }
  return {};
}

}  // namespace

Result<ApiServerAccess> kubeconfig_access(std::string_view text, const std::string& context,
                                          const std::string& path, const FileReader& read) {
  auto documents = codec::parse_yaml(text);
  if (!documents.ok()) {
    return Error(ErrorKind::InvalidArgument, path + ": " + documents.error().message());
  }
  if (documents->size() != 1 || codec::string_at(documents->front(), {"kind"}) != "Config") {
    return Error(ErrorKind::InvalidArgument, path + " is no kubeconfig (kind: Config)");
  }
  const json::value& root = documents->front();
  const Reader r{root, path, read};
  const std::string wanted =
      context.empty() ? std::string(codec::string_at(root, {"current-context"})) : context;
  if (wanted.empty()) {
    return r.wrong("current-context", "is not set; say which one with --context");
  }
  TRY(const json::value* chosen, r.entry("contexts", wanted, "context"));
  ApiServerAccess access;
  access.origin = path + ", context " + wanted;
  const std::string cluster_name(codec::string_at(*chosen, {"cluster"}));
  const std::string user_name(codec::string_at(*chosen, {"user"}));
  TRY(const json::value* cluster, r.entry("clusters", cluster_name, "cluster"));
  TRY_VOID(read_server(r, *cluster, access));
  TRY(const json::value* user, r.entry("users", user_name, "user"));
  TRY_VOID(read_user(r, *user, access));
  return access;
}

}  // namespace roadstead::agent
