// SPDX-License-Identifier: Apache-2.0
// The hub's own rules on its objects that their schemas cannot say, and the subresources that are
// actions. Plugged into the object API by the wiring; live on its home.
//
//   POST clusters/NAME/registration   a fresh token and the manifest that carries it
//   GET  clusters/NAME/connection     what a kubeconfig for the cluster needs
//   POST users/NAME/logincode         a one-time code for `roadstead login`
#pragma once

#include <functional>
#include <string>

#include "identity/directory.h"
#include "objects/object_api.h"
#include "pki/authorities.h"
#include "pki/one_time_tokens.h"

namespace roadstead::api {

// Where people and Agents reach this hub.
struct HubAddresses {
  std::string public_endpoint;    // host:port
  std::string private_endpoint;   // "" when there is none
  std::string zone;               // clusters' host names end with it
  std::string serving_roots_pem;  // who vouches for the user port's certificate
  std::string image_repository;   // default: this hub's own registry
  std::string version;
};

struct HubRules {
  io::Executor& home;
  const Clock& clock;
  const HubAddresses& addresses;
  const pki::Authorities& authorities;
  const identity::Directory& directory;
  pki::OneTimeTokens& registration_tokens;
  pki::OneTimeTokens& login_codes;
  std::function<void(const std::string& cluster, WallTime expires)> token_minted;
};

// The default, and the most that may be asked for.
inline constexpr std::chrono::seconds kRegistrationTokenLifetime = std::chrono::hours(1);
inline constexpr std::chrono::seconds kShortestTokenLifetime{5};
inline constexpr Duration kLoginCodeLifetime = std::chrono::hours(1);

// `rules` outlives the API.
void install_hub_rules(objects::ObjectApi& api, const HubRules& rules);

}  // namespace roadstead::api
