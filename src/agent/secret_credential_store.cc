// SPDX-License-Identifier: Apache-2.0
#include "agent/credential_stores.h"
#include "kube/object.h"

namespace roadstead::agent {
namespace {

constexpr Duration kPauseBetweenWatches = std::chrono::seconds(1);

}  // namespace

Result<Credentials> SecretCredentialStore::remember(codec::json::value secret) {
  // The managers of fields are not ours to send back.
  if (secret.is_object()) {
    kube::metadata_of(secret.get_object()).erase("managedFields");
  }
  auto credentials = Credentials::from_secret(secret);
  last_ = std::move(secret);
  return credentials;
}

io::Task<Result<Credentials>> SecretCredentialStore::load() {
  CO_TRY(codec::json::value secret, co_await calls_.get_secret());
  co_return remember(std::move(secret));
}

io::Task<Result<Credentials>> SecretCredentialStore::save(Credentials next) {
  CO_TRY(codec::json::value stored, co_await calls_.replace_secret(next.to_secret(last_)));
  co_return remember(std::move(stored));
}

io::Task<Result<Credentials>> SecretCredentialStore::changed(std::string version) {
  for (;;) {
    if (pause_.stopped()) {
      co_return Error(ErrorKind::Cancelled, "the credential store was closed");
    }
    CO_TRY(codec::json::value secret, co_await calls_.get_secret());
    if (kube::resource_version_of(secret) != version) {
      co_return remember(std::move(secret));
    }
    if (!pause_.stopped()) {
      CO_TRY_VOID(co_await calls_.watch_secret(version));
    }
    co_await pause_.sleep(kPauseBetweenWatches);
  }
}

void SecretCredentialStore::close() {
  pause_.stop();
  calls_.stop_watch();
}

std::string SecretCredentialStore::where() const {
  return "Secret " + calls_.names().namespace_ + "/" + calls_.names().secret;
}

}  // namespace roadstead::agent
