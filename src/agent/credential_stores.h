// SPDX-License-Identifier: Apache-2.0
// The two places where Credentials are kept: the member's one Secret, and a state directory for an
// Agent that runs outside of its cluster. Both live on the Agent's shard.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/credentials.h"
#include "agent/files.h"
#include "agent/own_calls.h"
#include "io/blocking_pool.h"
#include "io/sleep.h"

namespace roadstead::agent {

class SecretCredentialStore final : public CredentialStore {
 public:
  SecretCredentialStore(OwnCalls& calls, io::Executor& executor)
      : calls_(calls), pause_(executor) {}

  io::Task<Result<Credentials>> load() override;
  io::Task<Result<Credentials>> save(Credentials next) override;
  io::Task<Result<Credentials>> changed(std::string version) override;
  void close() override;
  std::string where() const override;

 private:
  Result<Credentials> remember(codec::json::value secret);

  OwnCalls& calls_;
  io::StoppableSleep pause_;
  codec::json::value last_;  // as read, for the keys and metadata that are not ours
};

// What a state directory holds, or a bootstrap file (path) when it holds nothing. Changes nothing;
// blocks.
Result<Credentials> read_state(const std::string& directory, const std::string& bootstrap_path,
                               const std::string& secret_name);

// One file `credentials.json` in the form of the Secret, so that it changes as a whole. Held by one
// process at a time.
class FileCredentialStore final : public CredentialStore {
 public:
  // `bootstrap` is the text of the manifest or Secret, "" for none; it is taken when the directory
  // holds nothing yet, or when it carries a registration token for another registration. Blocks.
  static Result<std::unique_ptr<FileCredentialStore>> open(const std::string& directory,
                                                           const std::string& bootstrap,
                                                           const std::string& secret_name,
                                                           io::Executor& executor,
                                                           io::BlockingPool& pool);

  io::Task<Result<Credentials>> load() override;
  io::Task<Result<Credentials>> save(Credentials next) override;
  io::Task<Result<Credentials>> changed(std::string version) override;
  void close() override { pause_.stop(); }
  std::string where() const override { return path_; }

  FileCredentialStore(std::string path, FileLock lock, io::Executor& executor,
                      io::BlockingPool& pool)
      : path_(std::move(path)),
        lock_(std::move(lock)),
        executor_(executor),
        pool_(pool),
        pause_(executor) {}

 private:
  std::string path_;
  FileLock lock_;
  io::Executor& executor_;
  io::BlockingPool& pool_;
  io::StoppableSleep pause_;
};

}  // namespace roadstead::agent
