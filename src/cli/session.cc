// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <istream>
#include <ostream>

#include "cli/files.h"
#include "codec/base64.h"
#include "kube/query.h"

namespace roadstead::cli {

Session::Session(Environment& environment)
    : environment_(environment),
      colours_(environment.variable("NO_COLOR").empty() && environment.variable("TERM") != "dumb"),
      network_(environment.clock) {
  network_.on_slow = [this](const std::string& what) { say("waiting for " + what + " ..."); };
}

void Session::say(const std::string& line) { environment_.err << line << '\n' << std::flush; }

Result<HubContext> Session::context() {
  if (!config_.has_value()) {
    TRY(config_, Config::load(environment_));
  }
  return config_->context(context_name);
}

Result<std::string> Session::hub_roots() {
  TRY(const HubContext chosen, context());
  return read_file(config_->file_of(chosen.name, "roots.pem"))
      .with_context("the hub's CA certificates; log in again with: roadstead login");
}

Result<net::ProxySettings> Session::proxy() const {
  net::ProxySettings settings;
  const std::string url =
      environment_.variable("HTTPS_PROXY", environment_.variable("https_proxy"));
  if (!url.empty()) {
    TRY(settings.proxy, net::parse_http_proxy(url).with_context("HTTPS_PROXY"));
  }
  settings.no_proxy = environment_.variable("NO_PROXY", environment_.variable("no_proxy"));
  return settings;
}

Result<HttpsTarget> Session::target(const HubContext& context, const std::string& roots) const {
  TRY(HttpsTarget out, parse_https_url(context.server).with_context(config_->path()));
  out.tls.roots_pem = roots;
  TRY(out.proxy, proxy());
  return out;
}

Result<ClientCredential> Session::credential() {
  TRY(const HubContext chosen, context());
  TRY(const std::string roots, hub_roots());
  const CredentialFile file(config_->file_of(chosen.name, "credential.pem"));
  return file.fresh(
      environment_.clock,
      [&](const ClientCredential& old) -> Result<ClientCredential> {
        TRY(HttpsTarget to, target(chosen, roots));
        to.tls.identity = net::TlsIdentity{old.certificate_pem, old.key_pem};
        ApiClient hub(network_, std::move(to), "the hub");
        return renew_at_hub(hub, network_, chosen);
      },
      [&](const Error& error) { say("warning: the login was not renewed: " + error.message()); });
}

Result<ApiClient*> Session::hub() {
  if (hub_ == nullptr) {
    TRY(const HubContext chosen, context());
    TRY(const std::string roots, hub_roots());
    TRY(ClientCredential own, credential());
    TRY(HttpsTarget to, target(chosen, roots));
    to.tls.identity = net::TlsIdentity{own.certificate_pem, own.key_pem};
    hub_ = std::make_unique<ApiClient>(network_, std::move(to), "the hub");
  }
  return hub_.get();
}

Result<std::unique_ptr<ApiClient>> Session::member(const std::string& cluster) {
  TRY(ApiClient * api, hub());
  TRY(const json::value connection, api->get(hub_path("clusters", cluster, "connection")));
  HttpsTarget to = api->target();
  to.server_name = codec::string_at(connection, {"status", "tlsServerName"});
  TRY(to.tls.roots_pem,
      codec::base64_decode(codec::string_at(connection, {"status", "certificateAuthorityData"})));
  return std::make_unique<ApiClient>(network_, std::move(to), "cluster " + cluster);
}

Result<void> Session::confirm(const std::string& question, bool already_yes) {
  if (already_yes) {
    return {};
  }
  if (!environment_.in_is_terminal) {
    return Error(ErrorKind::InvalidArgument, question + " Say so with --yes.");
  }
  environment_.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(environment_.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") {
    return {};
  }
  return Error(ErrorKind::Cancelled, "nothing was changed");
}

std::string hub_path(std::string_view resource, std::string_view name,
                     std::string_view subresource) {
  std::string out(kApi);
  out.append("/").append(resource);
  if (!name.empty()) {
    out.append("/").append(kube::percent_encode(name));
  }
  if (!subresource.empty()) {
    out.append("/").append(subresource);
  }
  return out;
}

}  // namespace roadstead::cli
