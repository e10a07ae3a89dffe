// SPDX-License-Identifier: Apache-2.0
// A file of the embedded store as one side of a transfer (storage/transfer.h).
#pragma once

#include <memory>
#include <string>

#include "storage/transfer.h"

namespace roadstead::storage {

// Fails while a hub uses the file.
Result<std::unique_ptr<TransferSource>> sqlite_source(const std::string& path);
// `path` must not exist; it appears when the transfer has finished.
Result<std::unique_ptr<TransferTarget>> sqlite_target(const std::string& path);

}  // namespace roadstead::storage
