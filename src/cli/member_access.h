// SPDX-License-Identifier: Apache-2.0
// The person's own way into the member cluster: a kubeconfig (k8s.io/client-go/tools/clientcmd),
// also spread over several files, with certificates, tokens and credential plug-ins. What would
// weaken verification is refused; errors name the field.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/https_client.h"
#include "codec/json.h"

namespace roadstead::cli {

namespace json = codec::json;

struct MemberAccessSources {
  std::function<Result<std::string>(const std::string& path)> read;
  std::function<Result<std::string>(const std::vector<std::string>& arguments,
                                    const std::map<std::string, std::string>& environment)>
      run;
  std::map<std::string, std::string> environment;
};

struct MemberAccess {
  HttpsTarget target;
  std::string context;  // which one was taken
  std::string origin;   // for messages: file and context
};

// `files` in order of precedence: of entries with one name the first counts. `context` "" stands
// for the current one.
Result<MemberAccess> member_access(const std::vector<std::string>& files,
                                   const std::string& context, const MemberAccessSources& sources);

// --kubeconfig, else the files of $KUBECONFIG, else ~/.kube/config.
std::vector<std::string> kubeconfig_files(const std::string& flag, const std::string& variable,
                                          const std::string& home);

}  // namespace roadstead::cli
