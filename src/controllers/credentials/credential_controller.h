// SPDX-License-Identifier: Apache-2.0
// Signs requested credentials, forgets expired ones, and keeps the identity directory in line with
// the User and Credential objects, so that a revocation counts with the next request.
// Lives on the object API's home; the owner spawns run(), calls stop() and joins.
#pragma once

#include <map>
#include <string>

#include "identity/directory.h"
#include "kube/controller/controller.h"
#include "objects/object_transport.h"
#include "pki/authorities.h"

namespace roadstead::controllers {

class CredentialController final : private kube::Reconciler {
 public:
  // `on_change` is called after the directory changed.
  CredentialController(const kube::ControllerParts& parts, objects::ObjectApi& api,
                       const objects::Kind& users, const objects::Kind& credentials,
                       const pki::Authorities& authorities, identity::Directory& directory,
                       UniqueFunction<void()> on_change);

  // Fills the directory from what is there now. Before the first request is served.
  void refresh();
  io::Task<void> run() { return controller_.run(); }
  void stop();

 private:
  // Signs what waits, removes what has expired long ago, or comes back when that will be.
  io::Task<Result<kube::Reconciled>> reconcile(kube::WorkKey key) override;
  io::Task<Result<void>> sign(std::string name, boost::json::value credential);
  Result<boost::json::object> certificate_for(const boost::json::value& credential);

  objects::ObjectApi& api_;
  const objects::Kind& users_;
  const objects::Kind& credentials_;
  const pki::Authorities& authorities_;
  identity::Directory& directory_;
  UniqueFunction<void()> on_change_;
  objects::ObjectTransport transport_;
  kube::Informer user_changes_;
  kube::Informer credential_changes_;
  kube::Controller controller_;
  io::Timer refresh_soon_;                      // once for all changes of a turn
  std::map<std::string, std::string> signing_;  // name of a credential -> serial
  std::string seen_;                            // what the directory was last built from
};

}  // namespace roadstead::controllers
