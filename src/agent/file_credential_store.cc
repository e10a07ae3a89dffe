// SPDX-License-Identifier: Apache-2.0
#include "agent/credential_stores.h"
#include "crypto/digest.h"
#include "kube/object.h"

namespace roadstead::agent {
namespace {

namespace json = codec::json;

constexpr Duration kLookEvery = std::chrono::seconds(5);

// The content's digest is its version.
Result<Credentials> read_credentials(const std::string& path) {
  TRY(const std::string text, read_file(path));
  auto value = codec::parse_json(text);
  if (!value.ok()) {
    return Error(ErrorKind::Storage, path + " is damaged: " + value.error().message() +
                                         "; remove it and give --bootstrap again");
  }
  TRY(Credentials credentials, Credentials::from_secret(*value).with_context(path));
  credentials.version = crypto::sha256_hex(text).substr(0, 16);
  return credentials;
}

Result<Credentials> write_credentials(const std::string& path, Credentials next) {
  next.version.clear();
  const std::string text = codec::write_json_pretty(next.to_secret(nullptr)) + "\n";
  // A file left by an older process may have had another mode.
  TRY_VOID(io::replace_file(path, text, 0600, io::FileMode::Forced));
  next.version = crypto::sha256_hex(text).substr(0, 16);
  return next;
}

// What a bootstrap file changes of what is there; nothing when it brings nothing new.
Result<void> apply_bootstrap(const std::string& path, const std::string& text,
                             const std::string& secret_name) {
  TRY(const json::value secret, find_secret(text, secret_name).with_context("--bootstrap"));
  TRY(Credentials fresh, Credentials::from_secret(secret).with_context("--bootstrap"));
  const auto current = read_credentials(path);
  if (!current.ok() && current.error().kind() != ErrorKind::NotFound) {
    return current.error();
  }
  if (current.ok() && current->cluster_uid == fresh.cluster_uid) {
    fresh.used_token = current->used_token;
    fresh.next_key_pem = current->next_key_pem;
    fresh.private_key_pem = current->private_key_pem;
    fresh.certificate_pem = current->certificate_pem;
    if (!fresh.has_fresh_token()) {
      return {};
    }
  }
  if (!fresh.has_fresh_token() && !fresh.has_certificate()) {
    return Error(ErrorKind::InvalidArgument,
                 "--bootstrap holds no registration token; download the manifest again");
  }
  TRY_VOID(write_credentials(path, std::move(fresh)));
  return {};
}

}  // namespace

Result<Credentials> read_state(const std::string& directory, const std::string& bootstrap_path,
                               const std::string& secret_name) {
  auto stored = read_credentials(directory + "/credentials.json");
  if (stored.ok() || bootstrap_path.empty() || stored.error().kind() != ErrorKind::NotFound) {
    return stored;
  }
  TRY(const std::string text, read_file(bootstrap_path));
  TRY(const json::value secret, find_secret(text, secret_name));
  return Credentials::from_secret(secret);
}

Result<std::unique_ptr<FileCredentialStore>> FileCredentialStore::open(
    const std::string& directory, const std::string& bootstrap, const std::string& secret_name,
    io::Executor& executor, io::BlockingPool& pool) {
  TRY_VOID(make_private_directory(directory).with_context("--state-dir"));
  TRY(FileLock lock, FileLock::take(directory + "/lock"));
  const std::string path = directory + "/credentials.json";
  if (!bootstrap.empty()) {
    TRY_VOID(apply_bootstrap(path, bootstrap, secret_name));
  }
  if (const auto found = read_credentials(path); !found.ok()) {
    if (found.error().kind() == ErrorKind::NotFound) {
      return Error(ErrorKind::InvalidArgument,
                   "--state-dir " + directory +
                       " holds no credentials yet; give --bootstrap FILE with the manifest that "
                       "was downloaded from the hub");
    }
    return found.error();
  }
  return std::make_unique<FileCredentialStore>(path, std::move(lock), executor, pool);
}

io::Task<Result<Credentials>> FileCredentialStore::load() {
  co_return co_await pool_.run(executor_, [path = path_] { return read_credentials(path); });
}

io::Task<Result<Credentials>> FileCredentialStore::save(Credentials next) {
  co_return co_await pool_.run(executor_, [path = path_, next]() -> Result<Credentials> {
    TRY(const Credentials current, read_credentials(path));
    if (current.version != next.version) {
      return Error(ErrorKind::Conflict, path + " was changed by somebody else");
    }
    return write_credentials(path, next);
  });
}

io::Task<Result<Credentials>> FileCredentialStore::changed(std::string version) {
  while (co_await pause_.sleep(kLookEvery)) {
    auto now = co_await load();
    if (!now.ok() || now->version != version) {
      co_return now;
    }
  }
  co_return Error(ErrorKind::Cancelled, "the credential store was closed");
}

}  // namespace roadstead::agent
