// SPDX-License-Identifier: Apache-2.0
#include "api/authentication.h"

namespace roadstead::api {
namespace {

class AuthenticatedConnection final : public http::ConnectionState {
 public:
  identity::PrincipalPtr principal;
};

}  // namespace

Result<identity::PrincipalPtr> authenticate(http::Connection& connection,
                                            const identity::Directory& directory) {
  auto* known = dynamic_cast<AuthenticatedConnection*>(connection.state.get());
  if (known != nullptr && directory.still_valid(*known->principal).ok()) {
    return known->principal;
  }
  if (connection.tls == nullptr) {
    return Error(ErrorKind::Unauthenticated, "the connection is not protected by TLS");
  }
  TRY(identity::PrincipalPtr principal, directory.authenticate(connection.tls->peer_chain()));
  auto state = std::make_unique<AuthenticatedConnection>();
  state->principal = principal;
  connection.state = std::move(state);
  return principal;
}

}  // namespace roadstead::api
