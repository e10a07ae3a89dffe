// SPDX-License-Identifier: Apache-2.0
// roadstead login, logout.
#include <istream>
#include <ostream>

#include "base/ascii.h"
#include "base/rfc3339.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "kube/object.h"

namespace roadstead::cli {
namespace {

constexpr std::string_view kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::string_view kPinPrefix = "sha256:";

struct LoginOptions {
  std::string server;
  std::string code;
  std::string ca_pin;
  std::string ca_file;
  std::string name;
  std::string lifetime;
};

// Whom to trust at the first contact: the pinned CA, a file's, or the machine's. There is no way to
// trust anybody.
Result<void> choose_trust(const LoginOptions& options, net::TlsClientOptions& tls) {
  if (!options.ca_pin.empty() && !options.ca_file.empty()) {
    return Error(ErrorKind::InvalidArgument, "give either --ca-pin or --ca-file, not both");
  }
  if (!options.ca_pin.empty()) {
    std::string pin = ascii::to_lower(options.ca_pin);
    if (!pin.starts_with(kPinPrefix)) {
      return Error(ErrorKind::InvalidArgument,
                   "--ca-pin: must have the form sha256:HEX, as the hub prints it at its start");
    }
    tls.pinned_ca_sha256 = pin.substr(kPinPrefix.size());
    return {};
  }
  const std::string file = options.ca_file.empty() ? std::string(kSystemRoots) : options.ca_file;
  auto roots = read_file(file);
  if (!roots.ok()) {
    return Error(ErrorKind::InvalidArgument,
                 options.ca_file.empty()
                     ? "give --ca-pin sha256:HEX (the hub prints it at its start) or --ca-file FILE"
                     : "--ca-file: " + roots.error().message());
  }
  tls.roots_pem = std::move(*roots);
  return {};
}

Result<std::string> read_code(Session& session, const std::string& given) {
  std::string code = given;
  if (code.empty() || code == "-") {
    Environment& environment = session.environment();
    if (code.empty() && !environment.in_is_terminal) {
      return Error(ErrorKind::InvalidArgument,
                   "--code is missing: an administrator gets one with: roadstead user code NAME");
    }
    if (environment.in_is_terminal) {
      environment.err << "Login code: " << std::flush;
    }
    std::getline(environment.in, code);
  }
  code = ascii::trim(code);
  if (!code.starts_with("rsl_")) {
    return Error(ErrorKind::InvalidArgument, "--code: a login code begins with rsl_");
  }
  return code;
}

Result<json::value> redeem(Session& session, const LoginOptions& options, HttpsTarget target,
                           const std::string& code, const std::string& csr, std::int64_t lifetime) {
  ApiClient hub(session.network(), std::move(target), "the hub");
  json::object body{{"code", code}, {"csr", csr}};
  if (lifetime > 0) {
    body["expirationSeconds"] = lifetime;
  }
  auto answer = hub.post("/login/v1/certificate", body);
  if (!answer.ok() && answer.error().kind() == ErrorKind::Tls && options.ca_pin.empty() &&
      options.ca_file.empty()) {
    return Error(
        ErrorKind::Tls,
        answer.error().message() +
            "\nfix: say whom to trust with --ca-pin sha256:HEX, which the hub prints at its "
            "start, or with --ca-file FILE");
  }
  if (!answer.ok() && answer.error().kind() == ErrorKind::Unauthenticated) {
    return Error(ErrorKind::Unauthenticated,
                 answer.error().message() +
                     "\nfix: an administrator makes a fresh code with: roadstead user code NAME; "
                     "then run roadstead login with it");
  }
  return answer;
}

Result<void> login(Session& session, const LoginOptions& options) {
  LoginOptions wanted = options;
  if (wanted.server.find("://") == std::string::npos) {
    wanted.server = "https://" + wanted.server;
  }
  TRY(HttpsTarget target, parse_https_url(wanted.server).with_context("--server"));
  if (!target.base_path.empty()) {
    return Error(ErrorKind::InvalidArgument, "--server: must be https://HOST:PORT without a path");
  }
  TRY_VOID(choose_trust(wanted, target.tls));
  TRY(target.proxy, session.proxy());
  std::int64_t lifetime = 0;
  if (!wanted.lifetime.empty()) {
    TRY(const Duration asked, parse_duration(wanted.lifetime).with_context("--lifetime"));
    lifetime = std::chrono::duration_cast<std::chrono::seconds>(asked).count();
  }
  TRY(const std::string code, read_code(session, wanted.code));
  TRY(Config config, Config::load(session.environment()));

  const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  TRY(const std::string csr, crypto::CertificateSigningRequest::create_pem(key, "login"));
  const std::string server = "https://" + net::format_host_port(target.address);
  TRY(const json::value answer, redeem(session, wanted, std::move(target), code, csr, lifetime));

  HubContext context;
  context.name = !session.context_name.empty() ? session.context_name
                 : !wanted.name.empty()        ? wanted.name
                                               : default_context_name(server);
  context.server = server;
  context.public_server = codec::string_at(answer, {"server"}, server);
  context.login = codec::string_at(answer, {"login"});
  context.zone = codec::string_at(answer, {"zone"});
  context.lifetime_seconds = lifetime;
  const std::string roots(codec::string_at(answer, {"roots"}));
  const std::string certificate(codec::string_at(answer, {"certificate"}));
  if (context.login.empty() || roots.empty()) {
    return Error(ErrorKind::Upstream, "the hub's answer lacks login or roots; is it a hub?");
  }
  TRY(const ClientCredential credential,
      parse_credential(
          credential_text(certificate, key.pem(), codec::string_at(answer, {"credential"}))
              .reveal())
          .with_context("login"));
  const std::string roots_file = config.file_of(context.name, "roots.pem");
  TRY_VOID(make_directories(directory_of(roots_file)));
  TRY_VOID(replace_file(roots_file, roots));
  TRY_VOID(CredentialFile(config.file_of(context.name, "credential.pem")).store(credential));
  config.put(context);
  config.set_current(context.name);
  TRY_VOID(config.save());
  session.say("Logged in to " + context.server + " as " + printable(context.login) +
              ". The certificate is good until " + format_rfc3339(credential.not_after) +
              " and renews itself while it is used.\nNext: roadstead cluster list");
  return {};
}

// The name of the certificate's Credential object. Older files do not tell; only an administrator
// can then look for it.
Result<std::string> find_credential(ApiClient& hub, const ClientCredential& credential) {
  if (!credential.name.empty()) {
    return credential.name;
  }
  TRY(const json::value list, hub.get(hub_path("credentials")));
  const json::value* items = codec::find(list, {"items"});
  if (items != nullptr && items->is_array()) {
    for (const json::value& item : items->get_array()) {
      if (codec::string_at(item, {"status", "serial"}) == credential.serial) {
        return std::string(kube::name_of(item));
      }
    }
  }
  return Error(ErrorKind::NotFound, "the hub does not know it");
}

// Best effort: the certificate ends by itself within hours.
Result<void> revoke(Session& session, const ClientCredential& credential) {
  TRY(ApiClient * hub, session.hub());
  TRY(const std::string name, find_credential(*hub, credential));
  TRY_VOID(hub->patch(hub_path("credentials", name), kMergePatch,
                      json::object{{"spec", {{"revoked", true}}}}));
  return {};
}

Result<void> logout(Session& session) {
  TRY(const HubContext context, session.context());
  TRY(Config config, Config::load(session.environment()));
  const std::string file = config.file_of(context.name, "credential.pem");
  const auto credential = CredentialFile(file).load(session.now());
  if (credential.ok()) {
    const auto revoked = revoke(session, *credential);
    if (!revoked.ok()) {
      session.say("warning: the certificate could not be revoked at the hub and stays good until " +
                  format_rfc3339(credential->not_after) + ": " + revoked.error().message());
    }
  }
  TRY_VOID(remove_file(file));
  TRY_VOID(remove_file(file + ".lock"));
  TRY_VOID(remove_file(config.file_of(context.name, "roots.pem")));
  config.remove(context.name);
  TRY_VOID(config.save());
  session.say("Logged out of " + context.server + ".");
  return {};
}

}  // namespace

void add_login(Commands& commands) {
  auto options = std::make_shared<LoginOptions>();
  CLI::App* command = commands.root.add_subcommand("login", "Log in to a hub with a one-time code");
  command->add_option("--server", options->server, "The hub, such as https://hub.example:8443")
      ->type_name("URL")
      ->required();
  command->add_option("--code", options->code, "One-time code (rsl_...); - reads it from stdin")
      ->type_name("CODE");
  command->add_option("--ca-pin", options->ca_pin, "Fingerprint of the hub's CA, sha256:HEX")
      ->type_name("PIN");
  command->add_option("--ca-file", options->ca_file, "CA certificates (PEM) that vouch for the hub")
      ->type_name("FILE");
  command->add_option("--name", options->name, "Name for this hub; default HOST:PORT")
      ->type_name("NAME");
  command->add_option("--lifetime", options->lifetime, "Lifetime of certificates, such as 12h")
      ->type_name("TIME");
  commands.on(command, [&commands, options] { return login(commands.session, *options); });
}

void add_logout(Commands& commands) {
  CLI::App* command =
      commands.root.add_subcommand("logout", "Revoke and forget the login to a hub");
  commands.on(command, [&commands] { return logout(commands.session); });
}

}  // namespace roadstead::cli
