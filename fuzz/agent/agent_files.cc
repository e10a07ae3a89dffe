// SPDX-License-Identifier: Apache-2.0
// What the Agent is given as files: a kubeconfig, a manifest with its Secret, stored credentials.
// And the head that it sends upstream: one user, whatever came on the lane.
#include <cstddef>
#include <cstdint>

#include "agent/api_server_access.h"
#include "agent/credentials.h"
#include "base/check.h"
#include "codec/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const agent::FileReader nothing = [](const std::string& path) -> Result<std::string> {
    return Error(ErrorKind::NotFound, path);
  };
  const auto access = agent::kubeconfig_access(text, "", "/a/kubeconfig", nothing);
  if (access.ok()) {
    CHECK(!access->address.host.empty(), "an address");
    CHECK(!access->roots_pem.empty(), "never without a CA");
  }
  if (const auto secret = agent::find_secret(text, "roadstead-agent"); secret.ok()) {
    const auto credentials = agent::Credentials::from_secret(*secret);
    if (credentials.ok()) {
      CHECK(!credentials->hub_roots_pem.empty() && !credentials->user_roots_pem.empty(), "roots");
      const auto again = agent::Credentials::from_secret(credentials->to_secret(nullptr));
      CHECK(again.ok() && again->hub == credentials->hub, "kept as it was");
    }
  }
  return 0;
}
