// SPDX-License-Identifier: Apache-2.0
#include "cli/member_access.h"

#include <algorithm>

#include "base/ascii.h"
#include "cli/files.h"
#include "codec/base64.h"
#include "codec/yaml.h"

namespace roadstead::cli {
namespace {

constexpr std::string_view kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::string_view kExecApi = "client.authentication.k8s.io/";

// An entry of one of the files, with the folder that its relative paths count from.
struct Entry {
  json::value value;
  std::string folder;
};

struct Files {
  std::string origin;
  std::string current;
  std::map<std::string, Entry> clusters;
  std::map<std::string, Entry> users;
  std::map<std::string, Entry> contexts;
};

void take(const json::value& root, std::string_view list, std::string_view part,
          const std::string& folder, std::map<std::string, Entry>& into) {
  const json::value* entries = codec::find(root, {list});
  if (entries == nullptr || !entries->is_array()) {
    return;
  }
  for (const json::value& entry : entries->get_array()) {
    const json::value* found = codec::find(entry, {part});
    if (found != nullptr && found->is_object()) {
      into.try_emplace(std::string(codec::string_at(entry, {"name"})), Entry{*found, folder});
    }
  }
}

Result<Files> load(const std::vector<std::string>& paths, const MemberAccessSources& sources) {
  Files files;
  for (const std::string& path : paths) {
    const auto text = sources.read(path);
    if (!text.ok() && text.error().kind() == ErrorKind::NotFound && paths.size() > 1) {
      continue;
    }
    if (!text.ok()) {
      return Error(ErrorKind::InvalidArgument,
                   "kubeconfig of the cluster: " + text.error().message() +
                       "; say which file with --kubeconfig FILE");
    }
    auto documents = codec::parse_yaml(*text);
    if (!documents.ok()) {
      return Error(ErrorKind::InvalidArgument, path + ": " + documents.error().message());
    }
    files.origin += (files.origin.empty() ? "" : ":") + path;
    if (documents->empty()) {
      continue;
    }
    const json::value& root = documents->front();
    const std::string folder = directory_of(path);
    if (files.current.empty()) {
      files.current = codec::string_at(root, {"current-context"});
    }
    take(root, "clusters", "cluster", folder, files.clusters);
    take(root, "users", "user", folder, files.users);
    take(root, "contexts", "context", folder, files.contexts);
  }
  return files;
}

class Reader {
 public:
  Reader(std::string origin, const MemberAccessSources& sources)
      : origin_(std::move(origin)), sources_(sources) {}

  Error wrong(const std::string& field, const std::string& why) const {
    return Error(ErrorKind::InvalidArgument, origin_ + ": " + field + ": " + why);
  }

  Result<void> read_cluster(const Entry& entry, HttpsTarget& target) const;
  Result<void> read_user(const Entry& user, const Entry& cluster, HttpsTarget& target) const;

 private:
  Result<std::string> data_or_file(const Entry& entry, const std::string& field) const;
  Result<void> run_plugin(const json::value& exec, const Entry& user, const Entry& cluster,
                          HttpsTarget& target) const;

  std::string origin_;
  const MemberAccessSources& sources_;
};

std::string absolute(std::string_view path, const std::string& folder) {
  return path.starts_with('/') ? std::string(path) : folder + '/' + std::string(path);
}

Result<std::string> Reader::data_or_file(const Entry& entry, const std::string& field) const {
  const std::string data_field = field + "-data";
  if (const auto data = codec::string_at(entry.value, {data_field}); !data.empty()) {
    auto bytes = codec::base64_decode(data);
    return bytes.ok() ? std::move(bytes) : wrong(data_field, "is no base64 text");
  }
  const auto file = codec::string_at(entry.value, {field});
  if (file.empty()) {
    return std::string();
  }
  auto content = sources_.read(absolute(file, entry.folder));
  return content.ok() ? std::move(content) : wrong(field, content.error().message());
}

Result<void> Reader::read_cluster(const Entry& entry, HttpsTarget& target) const {
  if (codec::bool_at(entry.value, {"insecure-skip-tls-verify"})) {
    return wrong("insecure-skip-tls-verify",
                 "is not supported; put the CA into certificate-authority-data instead");
  }
  auto url = parse_https_url(codec::string_at(entry.value, {"server"}));
  if (!url.ok()) {
    return wrong("server", url.error().message());
  }
  net::ProxySettings proxy = std::move(target.proxy);
  target = std::move(*url);
  target.proxy = std::move(proxy);
  target.server_name = codec::string_at(entry.value, {"tls-server-name"}, target.server_name);
  if (const auto proxy_url = codec::string_at(entry.value, {"proxy-url"}); !proxy_url.empty()) {
    auto parsed = net::parse_http_proxy(proxy_url);
    if (!parsed.ok()) {
      return wrong("proxy-url", parsed.error().message());
    }
    target.proxy = {std::move(*parsed), ""};
  }
  TRY(target.tls.roots_pem, data_or_file(entry, "certificate-authority"));
  if (target.tls.roots_pem.empty()) {
    auto system = sources_.read(std::string(kSystemRoots));
    if (!system.ok()) {
      return wrong("certificate-authority-data",
                   "is missing, and this machine has no " + std::string(kSystemRoots));
    }
    target.tls.roots_pem = std::move(*system);
  }
  return {};
}

Result<void> Reader::run_plugin(const json::value& exec, const Entry& user, const Entry& cluster,
                                HttpsTarget& target) const {
  std::string command(codec::string_at(exec, {"command"}));
  if (command.empty()) {
    return wrong("exec.command", "is missing");
  }
  if (command.find('/') != std::string::npos) {
    command = absolute(command, user.folder);
  }
  std::vector<std::string> arguments{command};
  if (const json::value* list = codec::find(exec, {"args"}); list != nullptr && list->is_array()) {
    for (const json::value& argument : list->get_array()) {
      arguments.emplace_back(argument.is_string() ? argument.get_string().c_str() : "");
    }
  }
  std::map<std::string, std::string> environment = sources_.environment;
  if (const json::value* list = codec::find(exec, {"env"}); list != nullptr && list->is_array()) {
    for (const json::value& variable : list->get_array()) {
      environment[std::string(codec::string_at(variable, {"name"}))] =
          codec::string_at(variable, {"value"});
    }
  }
  const std::string api(codec::string_at(exec, {"apiVersion"}));
  json::object spec{{"interactive", codec::string_at(exec, {"interactiveMode"}) != "Never"}};
  if (codec::bool_at(exec, {"provideClusterInfo"})) {
    spec["cluster"] = cluster.value;
  }
  environment["KUBERNETES_EXEC_INFO"] = codec::write_json(
      json::object{{"apiVersion", api}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}});
  auto output = sources_.run(arguments, environment);
  if (!output.ok()) {
    return wrong("exec", output.error().message());
  }
  const auto answer = codec::parse_json(*output);
  if (!api.starts_with(kExecApi) || !answer.ok() ||
      codec::string_at(*answer, {"kind"}) != "ExecCredential") {
    return wrong("exec", command + " printed no ExecCredential of " + std::string(kExecApi));
  }
  target.bearer_token = Secret(std::string(codec::string_at(*answer, {"status", "token"})));
  const auto certificate = codec::string_at(*answer, {"status", "clientCertificateData"});
  if (!certificate.empty()) {
    target.tls.identity = net::TlsIdentity{
        std::string(certificate),
        Secret(std::string(codec::string_at(*answer, {"status", "clientKeyData"})))};
  }
  return {};
}

Result<void> Reader::read_user(const Entry& user, const Entry& cluster, HttpsTarget& target) const {
  for (const char* field : {"auth-provider", "username", "as", "as-groups", "as-uid"}) {
    if (codec::find(user.value, {field}) != nullptr) {
      return wrong(std::string("users[].user.") + field,
                   "is not supported here; use a client certificate, a token or an exec plug-in");
    }
  }
  TRY(std::string certificate, data_or_file(user, "client-certificate"));
  TRY(std::string key, data_or_file(user, "client-key"));
  if (certificate.empty() != key.empty()) {
    return wrong("users[].user", "client-certificate and client-key go together");
  }
  if (!certificate.empty()) {
    target.tls.identity = net::TlsIdentity{std::move(certificate), Secret(std::move(key))};
  }
  const std::string_view file = codec::string_at(user.value, {"tokenFile"});
  std::string token(codec::string_at(user.value, {"token"}));
  if (token.empty() && !file.empty()) {
    auto content = sources_.read(absolute(file, user.folder));
    if (!content.ok()) {
      return wrong("tokenFile", content.error().message());
    }
    while (content->ends_with('\n') || content->ends_with(' ')) {
      content->pop_back();
    }
    token = std::move(*content);
  }
  target.bearer_token = Secret(std::move(token));
  if (const json::value* exec = codec::find(user.value, {"exec"}); exec != nullptr) {
    TRY_VOID(run_plugin(*exec, user, cluster, target));
  }
  if (!target.tls.identity.has_value() && target.bearer_token.empty()) {
    return wrong("users[].user", "holds neither a token, nor a client certificate, nor exec");
  }
  return {};
}

std::string names_of(const std::map<std::string, Entry>& entries) {
  std::string out;
  for (const auto& [name, entry] : entries) {
    out += (out.empty() ? "" : ", ") + name;
  }
  return out.empty() ? "none" : out;
}

}  // namespace

std::vector<std::string> kubeconfig_files(const std::string& flag, const std::string& variable,
                                          const std::string& home) {
  if (!flag.empty()) {
    return {flag};
  }
  std::vector<std::string> out;
  for (const std::string_view part : ascii::split(variable, ':')) {
    if (!part.empty()) {
      out.emplace_back(part);
    }
  }
  return out.empty() ? std::vector<std::string>{home + "/.kube/config"} : out;
}

Result<MemberAccess> member_access(const std::vector<std::string>& files,
                                   const std::string& context, const MemberAccessSources& sources) {
  TRY(const Files loaded, load(files, sources));
  MemberAccess access;
  access.context = context.empty() ? loaded.current : context;
  const auto chosen = loaded.contexts.find(access.context);
  if (chosen == loaded.contexts.end()) {
    return Error(
        ErrorKind::InvalidArgument,
        loaded.origin +
            (access.context.empty() ? ": current-context is not set"
                                    : ": there is no context \"" + access.context + '"') +
            "; say which one with --kube-context (there are: " + names_of(loaded.contexts) + ")");
  }
  access.origin = loaded.origin + ", context " + access.context;
  const Reader reader(access.origin, sources);
  const std::string cluster_name(codec::string_at(chosen->second.value, {"cluster"}));
  const std::string user_name(codec::string_at(chosen->second.value, {"user"}));
  const auto cluster = loaded.clusters.find(cluster_name);
  const auto user = loaded.users.find(user_name);
  if (cluster == loaded.clusters.end()) {
    return reader.wrong("clusters", "there is no entry \"" + cluster_name + '"');
  }
  if (user == loaded.users.end()) {
    return reader.wrong("users", "there is no entry \"" + user_name + '"');
  }
  TRY_VOID(reader.read_cluster(cluster->second, access.target));
  TRY_VOID(reader.read_user(user->second, cluster->second, access.target));
  return access;
}

}  // namespace roadstead::cli
