// SPDX-License-Identifier: Apache-2.0
#include "controllers/credentials/credential_controller.h"

#include "base/rfc3339.h"
#include "codec/base64.h"
#include "kube/object.h"

namespace roadstead::controllers {
namespace {

namespace json = boost::json;

constexpr Duration kSweepEvery = std::chrono::minutes(10);
// Kept a while, so that "expired" can be told from "unknown" and the list shows what was.
constexpr Duration kKeepExpired = std::chrono::hours(24);

const objects::RequestContext& controller_context() {
  static const objects::RequestContext context{.username = "system:roadstead:credentials",
                                               .groups = {},
                                               .is_admin = true,
                                               .request_id = "",
                                               .source = ""};
  return context;
}

std::vector<std::string> strings_at(const json::value& object,
                                    std::initializer_list<std::string_view> path) {
  std::vector<std::string> out;
  const json::value* list = codec::find(object, path);
  if (list != nullptr && list->is_array()) {
    for (const json::value& item : list->get_array()) {
      if (item.is_string()) {
        out.emplace_back(item.get_string());
      }
    }
  }
  return out;
}

bool is_decided(const json::value& credential) {
  return kube::find_condition(credential, "Approved") != nullptr ||
         kube::find_condition(credential, "Failed") != nullptr;
}

}  // namespace

CredentialController::CredentialController(objects::ObjectApi& api, const objects::Kind& users,
                                           const objects::Kind& credentials,
                                           const pki::Authorities& authorities,
                                           identity::Directory& directory,
                                           UniqueFunction<void()> on_change,
                                           telemetry::Logger logger)
    : api_(api),
      users_(users),
      credentials_(credentials),
      authorities_(authorities),
      directory_(directory),
      on_change_(std::move(on_change)),
      logger_(std::move(logger)),
      changed_(api.cache().home()) {}

void CredentialController::refresh() {
  auto snapshot = std::make_shared<identity::Snapshot>();
  snapshot->user_roots = {authorities_.users->certificate()};
  std::string seen;
  for (const auto& [path, object] : api_.cache().of(users_).objects()) {
    const json::value user = object->parse();
    identity::UserEntry entry;
    entry.login = kube::name_of(user);
    entry.uid = kube::uid_of(user);
    entry.administrator = codec::bool_at(user, {"spec", "administrator"});
    entry.disabled = codec::bool_at(user, {"spec", "disabled"});
    entry.groups = strings_at(user, {"spec", "groups"});
    seen += object->text;
    snapshot->users.emplace(entry.login, std::move(entry));
  }
  for (const auto& [path, object] : api_.cache().of(credentials_).objects()) {
    const json::value credential = object->parse();
    const std::string serial(codec::string_at(credential, {"status", "serial"}));
    if (!serial.empty() && !codec::bool_at(credential, {"spec", "revoked"})) {
      snapshot->serials.insert(serial);
      seen += serial + "\n";
    }
  }
  if (seen == seen_) {
    return;
  }
  seen_ = std::move(seen);
  directory_.replace(std::move(snapshot));
  if (on_change_) {
    on_change_();
  }
}

void CredentialController::stop() {
  stopped_ = true;
  changed_.pulse();
}

io::Task<void> CredentialController::run() {
  api_.cache().of(users_).listen(changed_);
  api_.cache().of(credentials_).listen(changed_);
  io::Timer timer(api_.cache().home());
  MonotonicTime next_sweep = api_.clock().now() + kSweepEvery;
  while (!stopped_) {
    refresh();
    const objects::Revision before = api_.revision();
    co_await sign_waiting();
    if (api_.clock().now() >= next_sweep) {
      co_await forget_expired();
      next_sweep = api_.clock().now() + kSweepEvery;
    }
    if (!stopped_ && api_.revision() == before) {
      timer.arm(kSweepEvery, [this] { changed_.pulse(); });
      co_await changed_.wait_next();
    }
  }
  api_.cache().of(users_).unlisten(changed_);
  api_.cache().of(credentials_).unlisten(changed_);
}

io::Task<void> CredentialController::sign_waiting() {
  std::vector<std::string> waiting;
  for (const auto& [path, object] : api_.cache().of(credentials_).objects()) {
    if (!is_decided(object->parse())) {
      waiting.push_back(object->key.name);
    }
  }
  for (const std::string& name : waiting) {
    co_await sign(name);
  }
}

Result<json::object> CredentialController::certificate_for(const json::value& credential) {
  const std::string login(codec::string_at(credential, {"spec", "username"}));
  const auto snapshot = directory_.snapshot();
  const auto user = snapshot->users.find(login);
  if (user == snapshot->users.end() || user->second.disabled) {
    return Error(ErrorKind::NotFound, "user \"" + login + "\" does not exist or is disabled");
  }
  TRY(const std::string pem,
      codec::base64_decode(codec::string_at(credential, {"spec", "request"})));
  TRY(const auto request, crypto::CertificateSigningRequest::from_pem(pem));
  const auto lifetime =
      std::chrono::seconds(codec::int_at(credential, {"spec", "expirationSeconds"}, 43'200));
  const tunnel::Subject subject{"user", login, user->second.uid};
  std::vector<std::string> groups;
  for (const std::string& name : user->second.groups) {
    groups.push_back(pki::group_organization(*authorities_.users, name));
  }
  TRY(const crypto::Certificate certificate,
      pki::issue_client_certificate(*authorities_.users, subject, groups, request.public_key(),
                                    api_.clock().wall(), lifetime));
  json::array in_members;
  for (const std::string& group : groups) {
    TRY(const std::string name, tunnel::member_group_name(group));
    in_members.emplace_back(name);
  }
  return json::object{{"memberUser", tunnel::member_user_name(subject)},
                      {"memberGroups", std::move(in_members)},
                      {"certificate", codec::base64_encode(certificate.pem())},
                      {"serial", certificate.serial_hex()},
                      {"fingerprint", certificate.fingerprint()},
                      {"notBefore", format_rfc3339(certificate.not_before())},
                      {"notAfter", format_rfc3339(certificate.not_after())}};
}

io::Task<void> CredentialController::sign(std::string name) {
  const auto object = co_await api_.get(credentials_, {"", name});
  if (!object.ok()) {
    co_return;
  }
  json::value credential = (*object)->parse();
  const std::int64_t generation = kube::generation_of(credential);
  const WallTime now = api_.clock().wall();
  auto status = certificate_for(credential);
  json::object out;
  if (status.ok()) {
    out = std::move(*status);
    kube::set_condition(out, {"Approved", "True", "Issued", "a certificate was issued", "", ""},
                        generation, now);
  } else {
    kube::set_condition(
        out, {"Failed", "True", "Refused", status.error().message(), "", "make a new request"},
        generation, now);
  }
  credential.as_object()["status"] = std::move(out);
  const auto written = co_await api_.update(controller_context(), credentials_, {"", name},
                                            std::move(credential), {.subresource = "status"});
  // Before anybody can have the certificate, it counts.
  refresh();
  if (!written.ok() && written.error().kind() != ErrorKind::Conflict &&
      written.error().kind() != ErrorKind::NotFound) {
    logger_.error("credential not signed",
                  {{"credential", name}, {"error", written.error().message()}});
  }
}

io::Task<void> CredentialController::forget_expired() {
  const WallTime now = api_.clock().wall();
  std::vector<std::string> old;
  for (const auto& [path, object] : api_.cache().of(credentials_).objects()) {
    const auto expiry =
        parse_rfc3339(codec::string_at(object->parse(), {"status", "notAfter"}, "x"));
    if (expiry.ok() && now - *expiry > kKeepExpired) {
      old.push_back(object->key.name);
    }
  }
  for (const std::string& name : old) {
    static_cast<void>(co_await api_.remove(controller_context(), credentials_, {"", name}, {}));
  }
}

}  // namespace roadstead::controllers
