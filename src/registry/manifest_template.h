// SPDX-License-Identifier: Apache-2.0
// deploy/agent/agent.yaml.in, embedded by the build.
#pragma once

#include <string_view>

namespace roadstead::registry {

extern const std::string_view kManifestTemplate;

}  // namespace roadstead::registry
