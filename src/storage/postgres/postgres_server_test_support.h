// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server of one test program: its own cluster in a temporary folder, reached by a Unix
// socket there, ended and removed with this object. As root it runs as an unprivileged user, which
// the server asks for.
#pragma once

#include <sys/types.h>

#include <string>

namespace roadstead::storage {

class PostgresServer {
 public:
  PostgresServer();  // made and started; ends the program when that fails
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // For the store's settings.
  std::string url() const { return url_in(folder_); }
  std::string url_in(const std::string& folder) const {
    return "postgres:///postgres?user=roadstead&host=" + folder;
  }
  std::string socket() const { return folder_ + "/.s.PGSQL.5432"; }
  void sql(const std::string& statements) const;

  void start();
  void stop();  // in order, ending all sessions
  void kill();  // at once, as a power cut would

 private:
  void wait_until_ready() const;

  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace roadstead::storage
