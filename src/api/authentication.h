// SPDX-License-Identifier: Apache-2.0
// Who is asking on a connection of the user port: the client certificate, checked once for each
// connection and cheaply again for each request, so that a revocation counts at once.
#pragma once

#include "http/message.h"
#include "identity/directory.h"

namespace roadstead::api {

// Kind Unauthenticated; the message says why. Keeps its result in the connection's state.
Result<identity::PrincipalPtr> authenticate(http::Connection& connection,
                                            const identity::Directory& directory);

}  // namespace roadstead::api
