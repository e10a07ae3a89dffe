// SPDX-License-Identifier: Apache-2.0
// Everything the Agent asks of its API server in its own name. This list is closed: a new call is a
// new method here, and a new right in the manifest. Lives on the Agent's shard.
#pragma once

#include <string>

#include "agent/api_server_link.h"
#include "codec/json.h"
#include "io/executor.h"

namespace roadstead::agent {

struct OwnNames {
  std::string namespace_;
  std::string secret;
  std::string lease;
};

struct ServerVersion {
  std::string git_version;  // "v1.36.3"
  std::string platform;     // "linux/amd64"
};

// A right to ask about. `name` "" means all.
struct AccessQuestion {
  std::string verb;
  std::string group;
  std::string resource;
  std::string namespace_;
  std::string name;
};

class OwnCalls {
 public:
  OwnCalls(ApiServerLink& link, io::Executor& executor, OwnNames names)
      : link_(link), executor_(executor), names_(std::move(names)) {}

  io::Task<Result<void>> readyz();
  io::Task<Result<ServerVersion>> version();

  io::Task<Result<codec::json::value>> get_secret();
  io::Task<Result<codec::json::value>> replace_secret(codec::json::value secret);
  // Returns at the first change after `resource_version`, when the API server ends the watch, or
  // when that version is too old.
  io::Task<Result<void>> watch_secret(std::string resource_version);
  // Ends a running watch_secret with Cancelled.
  void stop_watch();

  io::Task<Result<codec::json::value>> get_lease();
  io::Task<Result<codec::json::value>> replace_lease(codec::json::value lease);

  // SelfSubjectAccessReview: may the Agent do this?
  io::Task<Result<bool>> may_i(AccessQuestion question);
  // The uid of kube-system, which tells clusters apart; PermissionDenied unless it was granted.
  io::Task<Result<std::string>> cluster_uid();

  const OwnNames& names() const { return names_; }

 private:
  io::Task<Result<std::string>> call(std::string method, std::string target, std::string body);
  io::Task<Result<codec::json::value>> call_json(std::string method, std::string target,
                                                 std::string body);
  std::string secret_path() const;
  std::string lease_path() const;

  ApiServerLink& link_;
  io::Executor& executor_;
  OwnNames names_;
  http::ClientExchange* watch_ = nullptr;
};

}  // namespace roadstead::agent
