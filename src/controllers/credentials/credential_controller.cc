// SPDX-License-Identifier: Apache-2.0
#include "controllers/credentials/credential_controller.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "codec/base64.h"
#include "kube/object.h"

namespace roadstead::controllers {
namespace {

namespace json = boost::json;

// Kept a while, so that "expired" can be told from "unknown" and the list shows what was.
constexpr Duration kKeepExpired = std::chrono::hours(24);
constexpr Duration kLookAgain = std::chrono::minutes(10);

const kube::Selection kMetadataOnly{
    .namespace_ = "", .label_selector = "", .field_selector = "", .metadata_only = true};

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

CredentialController::CredentialController(const kube::ControllerParts& parts,
                                           objects::ObjectApi& api, const objects::Kind& users,
                                           const objects::Kind& credentials,
                                           const pki::Authorities& authorities,
                                           identity::Directory& directory,
                                           UniqueFunction<void()> on_change)
    : api_(api),
      users_(users),
      credentials_(credentials),
      authorities_(authorities),
      directory_(directory),
      on_change_(std::move(on_change)),
      transport_(api, "credentials"),
      user_changes_(parts, transport_, "credentials/users", objects::resource_of(users),
                    kMetadataOnly),
      credential_changes_(parts, transport_, "credentials/credentials",
                          objects::resource_of(credentials), kMetadataOnly),
      controller_(parts, "credentials", *this),
      refresh_soon_(parts.executor) {
  const auto changed = [this] {
    if (!refresh_soon_.armed()) {
      refresh_soon_.arm(Duration::zero(), [this] { refresh(); });
    }
  };
  user_changes_.add_handler([changed](const kube::Change&) { changed(); });
  credential_changes_.add_handler([this, changed](const kube::Change& change) {
    changed();
    if (change.type != kube::Change::Type::Deleted) {
      controller_.queue().add({"", change.key},
                              change.initial ? kube::Priority::Background : kube::Priority::Urgent);
    }
  });
  controller_.add_informer(user_changes_);
  controller_.add_informer(credential_changes_);
}

void CredentialController::stop() {
  refresh_soon_.cancel();
  controller_.stop();
}

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
  for (const auto& [name, serial] : signing_) {
    snapshot->serials.insert(serial);
    seen += serial + "\n";
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

io::Task<Result<kube::Reconciled>> CredentialController::reconcile(kube::WorkKey key) {
  const objects::ObjectPtr object = api_.cache().of(credentials_).find(key.object);
  if (object == nullptr) {
    co_return kube::Reconciled{};
  }
  json::value credential = object->parse();
  if (!is_decided(credential)) {
    refresh();  // its user may have come just now
    CO_TRY_VOID(co_await sign(key.object.name, std::move(credential)));
    co_return kube::Reconciled{};
  }
  const auto expiry = parse_rfc3339(codec::string_at(credential, {"status", "notAfter"}, "x"));
  if (!expiry.ok()) {
    co_return kube::Reconciled{};
  }
  const Duration left = *expiry + kKeepExpired - api_.clock().wall();
  if (left > Duration::zero()) {
    // A second later, since the time in the object is a whole second; and in between, since the
    // wall clock may be set.
    co_return kube::Reconciled{std::min<Duration>(left + std::chrono::seconds(1), kLookAgain)};
  }
  kube::RemoveOptions options;
  options.uid = kube::uid_of(credential);
  const auto removed = co_await transport_.remove(objects::resource_of(credentials_), key.object,
                                                  std::move(options));
  if (!removed.ok() && removed.error().kind() != ErrorKind::NotFound) {
    co_return removed.error();
  }
  co_return kube::Reconciled{};
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

io::Task<Result<void>> CredentialController::sign(std::string name, json::value credential) {
  const std::int64_t generation = kube::generation_of(credential);
  const WallTime now = api_.clock().wall();
  auto status = certificate_for(credential);
  json::object out;
  if (status.ok()) {
    // Before anybody can have the certificate, it counts.
    signing_[name] = codec::string_at(json::value(*status), {"serial"});
    refresh();
    out = std::move(*status);
    kube::set_condition(out, {"Approved", "True", "Issued", "a certificate was issued", "", ""},
                        generation, now);
  } else {
    kube::set_condition(
        out, {"Failed", "True", "Refused", status.error().message(), "", "make a new request"},
        generation, now);
  }
  credential.as_object()["status"] = std::move(out);
  const auto written = co_await transport_.replace(objects::resource_of(credentials_),
                                                   std::move(credential), "status");
  signing_.erase(name);
  refresh();
  if (!written.ok() && written.error().kind() != ErrorKind::NotFound) {
    co_return written.error();
  }
  co_return Result<void>();
}

}  // namespace roadstead::controllers
