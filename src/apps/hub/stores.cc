// SPDX-License-Identifier: Apache-2.0
#include "apps/hub/stores.h"

#include <fstream>
#include <iterator>

#include "storage/postgres/postgres_transfer.h"
#include "storage/sqlite/sqlite_store.h"
#include "storage/sqlite/sqlite_transfer.h"

namespace roadstead::hub {
namespace {

bool is_url(const std::string& place) { return place.find("://") != std::string::npos; }

std::string file_of(const StorePlace& place) { return place.data_dir + "/hub.db"; }

Result<Secret> read_password(const std::string& path) {
  if (path.empty()) {
    return Secret();
  }
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.size() > 1024) {
    return Error(ErrorKind::InvalidArgument, "storePasswordFile: cannot read \"" + path + "\"");
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  if (text.empty() || text.find('\0') != std::string::npos) {
    return Error(ErrorKind::InvalidArgument, "storePasswordFile: \"" + path + "\" has no password");
  }
  return Secret(std::move(text));
}

Result<storage::PostgresOptions> postgres_options(const std::string& url, const StorePlace& place) {
  storage::PostgresOptions options;
  TRY(Secret password, read_password(place.password_file));
  TRY(options.settings, storage::parse_postgres_url(url, std::move(password)));
  return options;
}

Result<std::unique_ptr<storage::TransferSource>> source(const std::string& from,
                                                        const StorePlace& place,
                                                        storage::SourceUse use) {
  if (!is_url(from)) {
    return storage::sqlite_source(from);
  }
  TRY(const storage::PostgresOptions options, postgres_options(from, place));
  return storage::postgres_source(options, use);
}

Result<std::unique_ptr<storage::TransferTarget>> target(const std::string& to,
                                                        const StorePlace& place) {
  if (!is_url(to)) {
    return storage::sqlite_target(to);
  }
  TRY(const storage::PostgresOptions options, postgres_options(to, place));
  return storage::postgres_target(options);
}

std::string counted(const storage::TransferReport& report) {
  return std::to_string(report.versions) + " versions of objects and " +
         std::to_string(report.secrets) + " secrets, up to resourceVersion " +
         std::to_string(report.revision);
}

}  // namespace

Result<std::unique_ptr<storage::Store>> open_store(const StorePlace& place, const Clock& clock,
                                                   Random& random) {
  if (place.url.empty()) {
    storage::SqliteOptions options;
    options.path = file_of(place);
    TRY(auto store, storage::SqliteStore::open(options, clock));
    return std::unique_ptr<storage::Store>(std::move(store));
  }
  TRY(storage::PostgresOptions options, postgres_options(place.url, place));
  TRY(auto store, storage::PostgresStore::open(std::move(options), clock, random));
  return std::unique_ptr<storage::Store>(std::move(store));
}

Result<std::string> backup_store(const StorePlace& place, const std::string& to) {
  const std::string keep = "Keep " + place.data_dir +
                           "/sealing.key with it: without that key the secrets in it are lost.\n"
                           "To restore: stop the hub, put the copy in place of hub.db, start.\n";
  if (place.url.empty()) {
    TRY_VOID(storage::backup_sqlite(file_of(place), to));
    return "Copied to " + to + ".\n" + keep;
  }
  TRY(auto from, source(place.url, place, storage::SourceUse::BesideHubs));
  TRY(auto into, storage::sqlite_target(to));
  TRY(const storage::TransferReport report, storage::transfer(*from, *into));
  return "Copied to " + to + ": " + counted(report) + ".\n" + keep +
         "Or back into a database: roadstead-hub migrate --from " + to + " --to postgres://…\n";
}

Result<std::string> migrate_store(const StorePlace& place, const std::string& from,
                                  const std::string& to) {
  TRY(auto out_of, source(from, place, storage::SourceUse::Alone).with_context("--from"));
  TRY(auto into, target(to, place).with_context("--to"));
  TRY(const storage::TransferReport report, storage::transfer(*out_of, *into));
  return "Moved " + counted(report) + ".\nThe old store is as it was. The key " + place.data_dir +
         "/sealing.key belongs to both. Start the hub with " +
         (is_url(to) ? "--store and the new address" : "the file as hub.db in its data folder") +
         ".\n";
}

}  // namespace roadstead::hub
