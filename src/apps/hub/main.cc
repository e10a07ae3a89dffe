// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "apps/hub/data_dir.h"
#include "apps/hub/settings.h"
#include "apps/hub/wiring.h"
#include "io/event.h"
#include "io/fd_watcher.h"
#include "io/task_group.h"
#include "net/inherited_sockets.h"

extern char** environ;

namespace roadstead::hub {
namespace {

constexpr std::string_view kPrefix = "ROADSTEAD_HUB_";

int fail(const Error& error) {
  std::fprintf(stderr, "roadstead-hub: %s\n", error.message().c_str());
  return traits(error.kind()).exit_code;
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry(*e);
    const std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos) {
      out.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
  }
  return out;
}

Result<config::ConfigSources> sources(const std::string& file,
                                      std::map<std::string, std::string> flags) {
  config::ConfigSources s;
  s.environment = environment();
  s.environment_prefix = kPrefix;
  s.flags = std::move(flags);
  if (!file.empty()) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) {
      return Error(ErrorKind::InvalidArgument, "--config: cannot read \"" + file + "\"");
    }
    s.file_name = file;
    TRY(s.file, config::parse_config(text.str()));
  }
  return s;
}

// SIGTERM and SIGINT end the run in order; a second one ends it at once.
class Signals {
 public:
  explicit Signals(io::Shard& shard) : stop_(shard), tasks_(shard) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    watcher_ = std::make_unique<io::FdWatcher>(shard, fd_);
    tasks_.spawn(watch());
  }
  ~Signals() { close(fd_); }
  io::Event& stop() { return stop_; }
  io::Task<void> end() {
    watcher_->close();
    co_await tasks_.join();
  }

 private:
  io::Task<void> watch() {
    for (;;) {
      signalfd_siginfo info{};
      if (read(fd_, &info, sizeof(info)) == sizeof(info)) {
        if (stop_.is_set()) {
          _exit(130);
        }
        stop_.set();
        continue;
      }
      watcher_->blocked_read();
      const auto ready = co_await watcher_->readable();
      if (!ready.ok()) {
        co_return;
      }
    }
  }

  io::Event stop_;
  int fd_ = -1;
  std::unique_ptr<io::FdWatcher> watcher_;
  io::TaskGroup tasks_;
};

io::Task<void> serve(Hub& hub, Signals& signals) {
  co_await hub.run(signals.stop());
  co_await signals.end();
}

void announce(const Hub& hub, const Settings& settings) {
  if (!hub.first_login().empty()) {
    std::printf("%s\n", hub.first_login().c_str());
    std::fflush(stdout);
  }
  if (!settings.ready_file.empty()) {
    const std::string next = settings.ready_file + ".new";
    std::ofstream(next) << "{\"listen\":\"" << hub.listen_address() << "\",\"metrics\":\""
                        << hub.metrics_address() << "\"}\n";
    std::rename(next.c_str(), settings.ready_file.c_str());
  }
}

// The one public port may be kept open by a supervisor while the hub is replaced.
Result<int> inherited_listener() {
  TRY(const auto sockets, net::inherited_sockets(environment(), getpid()));
  if (sockets.empty()) {
    return -1;
  }
  if (sockets.size() > 1) {
    return Error(ErrorKind::InvalidArgument,
                 std::to_string(sockets.size()) +
                     " sockets were passed to the hub, which takes one: that of its public port");
  }
  return sockets.begin()->second;
}

int run(Settings settings) {
  const auto descriptor = inherited_listener();
  if (!descriptor.ok()) {
    return fail(descriptor.error());
  }
  settings.listen_descriptor = *descriptor;
  const SystemClock clock;
  SystemRandom random;
  const telemetry::Logger logger(telemetry::make_stderr_sink(settings.log_format),
                                 settings.log_level);
  io::Shard home(clock);
  Signals signals(home);
  auto hub = Hub::start(settings, clock, random, home, logger);
  if (!hub.ok()) {
    home.run_until_done(signals.end());
    return fail(hub.error());
  }
  announce(**hub, settings);
  home.run_until_done(serve(**hub, signals));
  return 0;
}

int tell(const Result<std::string>& done) {
  if (!done.ok()) {
    return fail(done.error());
  }
  std::printf("%s", done->c_str());
  return 0;
}

int rotate_authority(const Settings& settings) {
  const SystemClock clock;
  SystemRandom random;
  io::Shard home(clock);
  return tell(rotate_ca(settings.store_place(), clock, random, home));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("roadstead-hub: run any Kubernetes cluster from one place");
  app.set_version_flag("--version", std::string("roadstead-hub ") + ROADSTEAD_VERSION);
  std::string file;
  app.add_option("--config", file, "YAML file with settings; flags win over it");
  std::map<std::string, std::string> flags;
  const auto flag = [&app, &flags](const char* option, const char* setting, const char* help) {
    app.add_option_function<std::string>(
        option, [&flags, setting](const std::string& value) { flags[setting] = value; }, help);
  };
  flag("--data-dir", "dataDir", "where the store and the sealing key are kept");
  flag("--store", "store", "postgres://USER@HOST/DATABASE instead of a file in the data folder");
  flag("--store-password-file", "storePasswordFile", "file with the password of that user");
  flag("--listen", "listen", "address and port of the one public port, [::]:8443");
  flag("--public-endpoint", "publicEndpoint", "host:port under which people and Agents reach it");
  flag("--private-endpoint", "privateEndpoint", "a second one for Agents in a private network");
  flag("--zone", "zone", "clusters' host names are NAME.ZONE; needs no DNS");
  flag("--names", "names",
       "more names and addresses in the hub's own certificate, comma separated");
  flag("--tls-certificate", "tlsCertificate", "PEM file: a certificate of your own for users");
  flag("--tls-key", "tlsKey", "PEM file: its key");
  flag("--server-certificate-lifetime", "serverCertificateLifetime",
       "of the certificates that the hub makes for itself, 365d");
  flag("--agent-certificate-lifetime", "agentCertificateLifetime", "of Agents' certificates, 7d");
  flag("--image-repository", "imageRepository", "where members pull the Agent from");
  flag("--agent-binary", "agentBinary", "the Agent that this hub serves as an image");
  flag("--metrics-listen", "metricsListen", "local address for Prometheus metrics and health");
  flag("--ready-file", "readyFile", "written with the real addresses once the hub serves");
  flag("--shards", "shards", "threads that carry traffic");
  flag("--proxy-protocol", "proxyProtocol", "true: a load balancer sends PROXY protocol v2");
  flag("--log-level", "logLevel", "debug, info, warn or error");
  flag("--log-format", "logFormat", "text or json");
  app.fallthrough();  // subcommands take it over when they are made
  const CLI::App* rotate = app.add_subcommand(
      "rotate-ca", "Replace the CA of a hub that does not run; Agents and people are led over");
  std::string from_place;
  std::string to_place;
  CLI::App* backup = app.add_subcommand("backup", "Copy the store, also beside a running hub");
  backup->add_option("--to", to_place, "the new file")->required();
  CLI::App* migrate = app.add_subcommand("migrate", "Move the store of a hub that does not run");
  migrate->add_option("--from", from_place, "a file or postgres://…")->required();
  migrate->add_option("--to", to_place, "a new file, or postgres://… of an empty one")->required();
  CLI11_PARSE(app, argc, argv);
  auto from = sources(file, std::move(flags));
  if (!from.ok()) {
    return fail(from.error());
  }
  const auto settings = read_settings(std::move(*from));
  if (!settings.ok()) {
    return fail(settings.error());
  }
  if (backup->parsed()) {
    return tell(backup_store(settings->store_place(), to_place));
  }
  if (migrate->parsed()) {
    return tell(migrate_store(settings->store_place(), from_place, to_place));
  }
  return rotate->parsed() ? rotate_authority(*settings) : run(*settings);
}

}  // namespace roadstead::hub

int main(int argc, char** argv) { return roadstead::hub::main(argc, argv); }
