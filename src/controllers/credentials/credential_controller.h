// SPDX-License-Identifier: Apache-2.0
// Signs requested credentials, forgets expired ones, and keeps the identity directory in line with
// the User and Credential objects, so that a revocation counts with the next request.
// Lives on the object API's home.
#pragma once

#include <string>

#include "identity/directory.h"
#include "io/event.h"
#include "objects/object_api.h"
#include "pki/authorities.h"
#include "telemetry/log.h"

namespace roadstead::controllers {

class CredentialController {
 public:
  // `on_change` is called after the directory changed.
  CredentialController(objects::ObjectApi& api, const objects::Kind& users,
                       const objects::Kind& credentials, const pki::Authorities& authorities,
                       identity::Directory& directory, UniqueFunction<void()> on_change,
                       telemetry::Logger logger);

  // Fills the directory from what is there now. Before the first request is served.
  void refresh();
  io::Task<void> run();
  void stop();

 private:
  io::Task<void> sign_waiting();
  io::Task<void> sign(std::string name);
  Result<boost::json::object> certificate_for(const boost::json::value& credential);
  io::Task<void> forget_expired();

  objects::ObjectApi& api_;
  const objects::Kind& users_;
  const objects::Kind& credentials_;
  const pki::Authorities& authorities_;
  identity::Directory& directory_;
  UniqueFunction<void()> on_change_;
  telemetry::Logger logger_;
  io::Event changed_;
  bool stopped_ = false;
  std::string seen_;  // what the directory was last built from
};

}  // namespace roadstead::controllers
