// SPDX-License-Identifier: Apache-2.0
// The clusters whose Agents are simulated: real certificates of the CA in a hub's data folder, in
// the form in which an Agent keeps its own. Blocks; used before that hub runs, since its folder
// belongs to one process at a time.
#pragma once

#include <string>
#include <vector>

#include "agent/hub.h"
#include "base/random.h"
#include "io/shard.h"

namespace roadstead::fleet {

// `list_file` is a JSON array of {"name", "uid"} of Cluster objects. One identity for each, with
// its own key and TLS context, in that order.
Result<std::vector<agent::HubIdentityPtr>> make_identities(const std::string& data_dir,
                                                           const std::string& list_file,
                                                           const std::string& hub,
                                                           const Clock& clock, Random& random,
                                                           io::Shard& shard);

}  // namespace roadstead::fleet
