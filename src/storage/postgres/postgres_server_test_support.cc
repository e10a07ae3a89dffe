// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_server_test_support.h"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/clock.h"

namespace roadstead::storage {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";
constexpr auto kStartTimeout = std::chrono::seconds(60);

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "PostgreSQL for tests: %s (./dev setup installs postgresql-15)\n",
               what.c_str());
  std::abort();
}

const passwd* unprivileged() {
  const passwd* user = getpwnam("postgres");
  return user != nullptr ? user : getpwnam("nobody");
}

pid_t launch(std::vector<std::string> arguments, const std::string& log) {
  arguments[0] = kPrograms + arguments[0];
  const pid_t pid = fork();
  if (pid != 0) {
    return pid;
  }
  if (geteuid() == 0) {
    const passwd* user = unprivileged();
    if (user == nullptr || setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0) {
      _exit(126);
    }
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);  // the server ends with its test
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  if (std::freopen("/dev/null", "r", stdin) == nullptr ||
      std::freopen(log.c_str(), "a", stdout) == nullptr || dup2(1, 2) < 0 || chdir("/") != 0) {
    _exit(126);
  }
  setenv("LC_ALL", "C", 1);
  execv(argv[0], argv.data());
  _exit(127);
}

int finish(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace

PostgresServer::PostgresServer() {
  std::string name = (std::filesystem::temp_directory_path() / "pg-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    fail("cannot make a folder");
  }
  folder_ = name;
  if (geteuid() == 0) {
    const passwd* user = unprivileged();
    if (user == nullptr || chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) {
      fail("there is no unprivileged user");
    }
  }
  if (finish(launch({"initdb", "-D", folder_ + "/data", "-U", "roadstead", "-A", "trust", "-E",
                     "UTF8", "--locale=C", "--no-sync", "--no-instructions"},
                    folder_ + "/log")) != 0) {
    fail("initdb failed, see " + folder_ + "/log");
  }
  start();
}

PostgresServer::~PostgresServer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresServer::start() {
  pid_ =
      launch({"postgres", "-D", folder_ + "/data", "-c", "listen_addresses=", "-c",
              "unix_socket_directories=" + folder_, "-c", "shared_buffers=16MB", "-c",
              "max_connections=60", "-c", "autovacuum_naptime=5s", "-c", "restart_after_crash=off"},
             folder_ + "/log");
  wait_until_ready();
}

void PostgresServer::wait_until_ready() const {
  const SystemClock clock;
  const Deadline until = Deadline::after(clock, kStartTimeout);
  while (finish(launch({"pg_isready", "-q", "-h", folder_}, "/dev/null")) != 0) {
    if (until.expired(clock) || ::kill(pid_, 0) != 0) {
      fail("the server did not start, see " + folder_ + "/log");
    }
    poll(nullptr, 0, 20);
  }
}

void PostgresServer::stop() {
  if (pid_ > 0) {
    ::kill(pid_, SIGINT);
    finish(pid_);
    pid_ = -1;
  }
}

void PostgresServer::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    finish(pid_);
    pid_ = -1;
  }
}

void PostgresServer::sql(const std::string& statements) const {
  if (finish(launch({"psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", folder_, "-U", "roadstead",
                     "-d", "postgres", "-c", statements},
                    folder_ + "/psql.log")) != 0) {
    fail("psql failed, see " + folder_ + "/psql.log");
  }
}

}  // namespace roadstead::storage
