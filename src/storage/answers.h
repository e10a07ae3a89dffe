// SPDX-License-Identifier: Apache-2.0
// What a store says of missing things and of revisions, the same for every backend.
#pragma once

#include <string>

#include "base/result.h"
#include "storage/object_store.h"

namespace roadstead::storage {

Error no_such(const Key& key);
Error no_such_secret(const std::string& name);
// `oldest`: the first revision that is still held whole.
Error gone(Revision asked, Revision oldest);
// The revision that a list is read at; 0 asks for the newest. InvalidArgument or Gone when it is
// not held.
Result<Revision> snapshot_to_read(Revision asked, Revision newest, Revision oldest);

}  // namespace roadstead::storage
