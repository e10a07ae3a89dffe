// SPDX-License-Identifier: Apache-2.0
// What is read from the store. Each answer is one moment of the database, in one round trip.
#pragma once

#include "storage/object_store.h"
#include "storage/postgres/session.h"
#include "storage/secret_store.h"

namespace roadstead::storage::postgres {

Key key_of(std::string resource, const std::string& path);

Result<Record> read_record(Session& session, const Key& key);
Result<ListPage> read_list(Session& session, const ListQuery& query);
Result<Revision> read_revision(Session& session);
Result<SealedBlob> read_secret(Session& session, const std::string& name);
Result<std::vector<std::string>> read_secret_names(Session& session, const std::string& prefix);

Result<Changes> read_changes(Session& session, Revision since, std::size_t limit);
Result<Changes> read_changes(Connection& connection, Revision since, std::size_t limit,
                             Deadline deadline);

}  // namespace roadstead::storage::postgres
