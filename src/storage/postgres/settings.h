// SPDX-License-Identifier: Apache-2.0
// Where a PostgreSQL database is and how it is reached. A server over TCP is reached by TLS with
// its certificate and name verified (sslmode=verify-full), always; one on this machine by its Unix
// socket.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace roadstead::storage {

struct PostgresSettings {
  std::vector<std::pair<std::string, std::string>> keywords;  // as libpq names them
  Secret password;                                            // empty: libpq's own password file
  std::string shown;                                          // for messages: "HOST/DATABASE"
};

// "postgres://USER@HOST:PORT/DATABASE?sslrootcert=FILE"; without HOST, or with "?host=/folder", the
// Unix socket. A password in the URL is refused: URLs are seen in process lists and logs.
Result<PostgresSettings> parse_postgres_url(const std::string& url, Secret password);

}  // namespace roadstead::storage
