// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL store as one side of a transfer (storage/transfer.h).
#pragma once

#include <memory>

#include "storage/postgres/postgres_store.h"
#include "storage/transfer.h"

namespace roadstead::storage {

enum class SourceUse : unsigned char {
  Alone,       // to move it: fails while a hub uses the database
  BesideHubs,  // to copy one moment of it
};
Result<std::unique_ptr<TransferSource>> postgres_source(const PostgresOptions& options,
                                                        SourceUse use);
// Fails while a hub uses the database, and when something is in it.
Result<std::unique_ptr<TransferTarget>> postgres_target(const PostgresOptions& options);

}  // namespace roadstead::storage
