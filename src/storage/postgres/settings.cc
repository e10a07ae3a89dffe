// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/settings.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

namespace roadstead::storage {
namespace {

constexpr std::array<std::string_view, 12> kAllowed{
    "user",        "host",    "hostaddr", "port",   "dbname",   "sslmode",
    "sslrootcert", "sslcert", "sslkey",   "sslcrl", "passfile", "application_name"};
constexpr const char* kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* kSocketFolder = "/var/run/postgresql";

using Keywords = std::map<std::string, std::string>;

Error wrong(const std::string& what) {
  return Error(ErrorKind::InvalidArgument, "store URL: " + what);
}

Result<Keywords> keywords_of(const std::string& url) {
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) {
    return wrong("give postgres://USER@HOST:PORT/DATABASE");
  }
  // libpq's own message would show the URL.
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree);
  if (options == nullptr) {
    return wrong("this is not a URL of a PostgreSQL database, or an unknown parameter");
  }
  Keywords out;
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    const std::string_view keyword = o->keyword;
    if (o->val == nullptr) {
      continue;
    }
    if (keyword == "password") {
      return wrong("it may not hold a password. Put that into a file and give its name");
    }
    if (std::find(kAllowed.begin(), kAllowed.end(), keyword) == kAllowed.end()) {
      return wrong("the parameter \"" + std::string(keyword) + "\" is not allowed");
    }
    out.emplace(keyword, o->val);
  }
  return out;
}

// Of several hosts, all must be sockets: one over the network makes it a matter of TLS.
bool is_socket(const Keywords& keywords) {
  if (keywords.contains("hostaddr")) {
    return false;
  }
  std::string_view hosts = keywords.at("host");
  while (!hosts.empty()) {
    if (hosts.front() != '/' && hosts.front() != '@') {
      return false;
    }
    const std::size_t comma = hosts.find(',');
    if (comma == std::string_view::npos) {
      return true;
    }
    hosts.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

Result<PostgresSettings> parse_postgres_url(const std::string& url, Secret password) {
  TRY(Keywords keywords, keywords_of(url));
  keywords.try_emplace("user", "roadstead");
  keywords.try_emplace("dbname", "roadstead");
  if (keywords["host"].empty()) {
    keywords["host"] = keywords.contains("hostaddr") ? keywords["hostaddr"] : kSocketFolder;
  }
  const bool socket = is_socket(keywords);
  if (!socket && keywords.contains("sslmode") && keywords["sslmode"] != "verify-full") {
    return wrong("a database over the network is reached with sslmode=verify-full only");
  }
  keywords["sslmode"] = socket ? "disable" : "verify-full";
  if (!socket) {
    keywords.try_emplace("sslrootcert", kSystemRoots);
    keywords["ssl_min_protocol_version"] = "TLSv1.2";
  }
  keywords["gssencmode"] = "disable";
  keywords["client_encoding"] = "UTF8";
  keywords.try_emplace("application_name", "roadstead-hub");
  keywords["target_session_attrs"] = "primary";  // never a standby, whose past is another
  // A peer that is gone is noticed within seconds.
  keywords["keepalives_idle"] = "10";
  keywords["keepalives_interval"] = "3";
  keywords["keepalives_count"] = "3";
  keywords["tcp_user_timeout"] = "15000";
  PostgresSettings out;
  out.shown = keywords["host"] + "/" + keywords["dbname"];
  out.keywords.assign(keywords.begin(), keywords.end());
  out.password = std::move(password);
  return out;
}

}  // namespace roadstead::storage
