// SPDX-License-Identifier: Apache-2.0
// Tables of the store in PostgreSQL and how older ones are brought up to date. Forward only: a
// schema of a newer version is refused. Safe when several hubs start at once.
#pragma once

#include "storage/postgres/connection.h"

namespace roadstead::storage::postgres {

// How the store's tables are found and what a session may do; then the claim: hubs share it, a
// migration wants it alone.
enum class Claim : unsigned char { None, Shared, Alone };
Result<void> prepare_session(Connection& connection, const std::string& schema, Claim claim,
                             Duration statement_timeout, Deadline deadline);
Result<void> prepare_schema(Connection& connection, const std::string& schema, Deadline deadline);

}  // namespace roadstead::storage::postgres
