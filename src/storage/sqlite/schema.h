// SPDX-License-Identifier: Apache-2.0
// Tables of the embedded store and how older files are brought up to date. Forward only: a file of
// a newer version is refused.
#pragma once

#include "base/result.h"
#include "storage/sqlite/connection.h"

namespace roadstead::storage {

// Sets the connection's pragmas.
Result<void> configure_writer(Connection& connection);
// Looks for damage, then runs the migrations that the file has not seen.
Result<void> prepare_schema(Connection& connection);

}  // namespace roadstead::storage
