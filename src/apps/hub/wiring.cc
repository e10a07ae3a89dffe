// SPDX-License-Identifier: Apache-2.0
#include "apps/hub/wiring.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <unistd.h>

#include "api/edge.h"
#include "api/enrolment.h"
#include "api/hub_certificates.h"
#include "api/hub_events.h"
#include "api/hub_handler.h"
#include "api/hub_rules.h"
#include "api/image_registry.h"
#include "api/login.h"
#include "api/user_handler.h"
#include "apps/hub/data_dir.h"
#include "apps/hub/metrics_server.h"
#include "apps/hub/shard_place.h"
#include "controllers/credentials/credential_controller.h"
#include "controllers/garbage_collector/garbage_collector.h"
#include "controllers/namespace_lifecycle/namespace_controller.h"
#include "io/memory_return.h"
#include "kube/object.h"
#include "objects/namespaces.h"

namespace roadstead::hub {
namespace {

constexpr std::string_view kFirstAdministrator = "admin";
// What is received and not yet read, of lanes and users together.
constexpr std::size_t kBufferBudget = 256 << 20;
constexpr Duration kUserDrainTime = std::chrono::seconds(10);
constexpr Duration kLaneDrainTime = std::chrono::seconds(1);
constexpr Duration kSweepEvery = std::chrono::hours(1);

bool is_address(const std::string& name) {
  in6_addr any{};
  return inet_pton(AF_INET, name.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

std::string program_folder() {
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
  const std::string whole(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  return whole.substr(0, whole.rfind('/'));
}

class HubImpl final : public Hub {
 public:
  HubImpl(const Settings& settings, const Clock& clock, Random& random, io::Shard& home,
          telemetry::Logger logger)
      : settings_(settings), clock_(clock), random_(random), home_(home), logger_(logger) {}

  Result<void> start();
  const std::string& listen_address() const override { return listen_address_; }
  const std::string& metrics_address() const override { return metrics_->address(); }
  const std::string& first_login() const override { return first_login_; }
  io::Task<void> run(io::Event& stop) override;
  // After a failed start: ends what had been started.
  void abandon() {
    if (cache_ != nullptr) {
      cache_->close();
    }
    home_.run_until_done(tasks_.join());
  }

 private:
  Result<void> open_store();
  Result<void> load_objects();
  Result<void> listen();
  io::Task<Result<pki::Authorities>> load_authorities();
  Result<void> make_certificates();
  void announce_roots();
  io::Task<Result<void>> rotate_authority();
  io::Task<void> keep_certificates();
  Result<void> load_agent_image();
  void make_services();
  kube::ControllerParts controller_parts() { return {home_, random_, metrics_registry_, logger_}; }
  void make_object_controllers();
  void make_shards();
  io::Task<Result<void>> make_first_administrator();
  io::Task<void> sweep_tokens();
  io::Task<void> until_none(std::size_t (api::ShardEdge::*count)() const, Duration longest);

  const Settings& settings_;
  const Clock& clock_;
  Random& random_;
  io::Shard& home_;
  telemetry::Logger logger_;
  io::TaskGroup tasks_{home_};
  io::MemoryReturn memory_return_{home_};
  io::StoppableSleep sweep_sleep_{home_};
  io::StoppableSleep certificate_sleep_{home_};
  io::BlockingPool blocking_{1, 16};  // looks at files
  telemetry::MetricRegistry metrics_registry_;
  http::BufferBudget buffers_{kBufferBudget};

  std::optional<crypto::SealedBox> sealing_;
  std::unique_ptr<storage::Store> store_;
  pki::Authorities authorities_;
  std::optional<objects::KindRegistry> kinds_;
  std::unique_ptr<objects::ObjectCache> cache_;
  std::unique_ptr<objects::ObjectApi> api_;
  identity::Directory directory_{clock_};
  registry::ClusterDirectory clusters_;
  policy::FixedAuthorizer authorizer_;
  std::optional<io::BatchWriter> audit_lines_;
  std::unique_ptr<audit::AuditSink> audit_;
  std::optional<pki::OneTimeTokens> registration_tokens_;
  std::optional<pki::OneTimeTokens> login_codes_;
  api::HubAddresses addresses_;
  std::optional<api::HubRules> rules_;
  std::unique_ptr<controllers::ClusterMonitor> monitor_;
  std::unique_ptr<controllers::CredentialController> credentials_;
  std::unique_ptr<objects::ObjectTransport> collector_access_;
  std::unique_ptr<controllers::GarbageCollector> collector_;
  std::unique_ptr<objects::ObjectTransport> namespace_access_;
  std::unique_ptr<controllers::NamespaceController> namespaces_;
  std::unique_ptr<api::Enrolment> enrolment_;
  std::unique_ptr<api::HubEvents> events_;
  std::unique_ptr<api::Login> login_;
  std::unique_ptr<objects::ObjectService> object_service_;
  std::unique_ptr<objects::ObjectHandler> object_handler_;
  std::optional<api::UserPort> port_;
  std::unique_ptr<api::HubHandler> hub_handler_;
  api::ImageRegistry images_;
  api::EdgeOptions edge_options_;
  api::EdgeContexts contexts_;
  std::unique_ptr<api::HubCertificates> certificates_;
  std::string announced_roots_;
  std::vector<std::unique_ptr<ShardPlace>> shards_;
  stub::OneProcessTunnels tunnels_;
  std::unique_ptr<api::Edge> edge_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<MetricsServer> metrics_;
  std::string listen_address_;
  std::string first_login_;
};

Result<void> HubImpl::start() {
  TRY_VOID(open_store());
  TRY_VOID(load_objects());
  TRY_VOID(listen());
  TRY_VOID(make_certificates());
  TRY_VOID(load_agent_image());
  make_services();
  make_shards();
  announce_roots();
  TRY(metrics_, MetricsServer::open(home_, settings_.metrics_listen, metrics_registry_));
  TRY_VOID(home_.wait_for(make_first_administrator()));
  logger_.info("hub serves", {{"listen", listen_address_},
                              {"publicEndpoint", addresses_.public_endpoint},
                              {"metrics", metrics_->address()}});
  return {};
}

Result<void> HubImpl::open_store() {
  TRY(DataDir data, DataDir::open(settings_.store_place(), clock_, random_));
  sealing_.emplace(std::move(data.sealing));
  store_ = std::move(data.store);
  TRY(authorities_, home_.wait_for(load_authorities()));
  registration_tokens_.emplace(*store_, clock_, random_, "registration", "rst_");
  login_codes_.emplace(*store_, clock_, random_, "login", "rsl_");
  return {};
}

Result<void> HubImpl::load_objects() {
  TRY(kinds_, objects::KindRegistry::builtin());
  cache_ = std::make_unique<objects::ObjectCache>(home_, *store_, *kinds_);
  TRY_VOID(home_.wait_for(cache_->start()));
  tasks_.spawn(cache_->run());
  api_ = std::make_unique<objects::ObjectApi>(*kinds_, *store_, *cache_, clock_, random_);
  TRY_VOID(home_.wait_for(objects::ensure_default_namespace(*api_)));
  audit_lines_.emplace(STDERR_FILENO, io::BatchWriterOptions{}, [this](std::uint64_t count) {
    return audit::lost_records_line(settings_.log_format, clock_.wall(), count);
  });
  audit_ = audit::make_log_audit_sink(
      settings_.log_format, clock_, *audit_lines_,
      metrics_registry_.counter("roadstead_audit_lost_total",
                                "Request records that the log did not take."));
  return {};
}

Result<void> HubImpl::listen() {
  if (settings_.listen_descriptor >= 0) {
    TRY(listener_, net::Listener::adopt(home_, settings_.listen_descriptor));
  } else {
    TRY(const net::HostPort wanted, net::parse_host_port(settings_.listen, "8443"));
    TRY(listener_, net::Listener::open(home_, wanted));
  }
  const net::HostPort& real = listener_->local_address();
  listen_address_ = net::format_host_port(real);
  addresses_.public_endpoint = settings_.public_endpoint;
  if (addresses_.public_endpoint.empty()) {
    const bool wildcard = real.host == "::" || real.host == "0.0.0.0";
    char name[256] = "localhost";
    gethostname(name, sizeof(name) - 1);
    addresses_.public_endpoint = net::format_host_port({wildcard ? name : real.host, real.port});
  }
  addresses_.private_endpoint = settings_.private_endpoint;
  addresses_.zone = settings_.zone;
  addresses_.image_repository = settings_.image_repository;
  addresses_.version = ROADSTEAD_VERSION;
  return {};
}

io::Task<Result<pki::Authorities>> HubImpl::load_authorities() {
  co_return co_await pki::load_or_create_authorities(home_, *store_, *sealing_, clock_, random_);
}

Result<void> HubImpl::make_certificates() {
  api::HubCertificates::Options options;
  options.dns_names = {"hub.roadstead.internal", "*." + settings_.zone, "localhost"};
  options.ip_addresses = {"127.0.0.1", "::1"};
  options.certificate_file = settings_.tls_certificate;
  options.key_file = settings_.tls_key;
  options.lifetime = settings_.server_certificate_lifetime;
  std::vector<std::string> more = settings_.names;
  for (const std::string* endpoint : {&addresses_.public_endpoint, &addresses_.private_endpoint}) {
    if (!endpoint->empty()) {
      TRY(const net::HostPort parsed, net::parse_host_port(*endpoint, "8443"));
      more.push_back(parsed.host);
    }
  }
  for (std::string& name : more) {
    (is_address(name) ? options.ip_addresses : options.dns_names).push_back(std::move(name));
  }
  certificates_ = std::make_unique<api::HubCertificates>(std::move(options), authorities_, clock_,
                                                         contexts_, addresses_, logger_);
  return certificates_->make();
}

// Agents pin whom to trust: they hear of every change over their tunnels.
void HubImpl::announce_roots() {
  announced_roots_ = pki::hub_roots_pem(authorities_, clock_.wall());
  for (const auto& shard : shards_) {
    shard->announce({{"type", "bundle"},
                     {"hubRoots", announced_roots_},
                     {"userRoots", authorities_.users->certificate().pem()}});
  }
}

io::Task<Result<void>> HubImpl::rotate_authority() {
  CO_TRY_VOID(co_await pki::rotate_hub_authority(home_, *store_, *sealing_, clock_, random_));
  CO_TRY(authorities_, co_await load_authorities());
  co_return Result<void>();
}

io::Task<void> HubImpl::keep_certificates() {
  while (co_await certificate_sleep_.sleep(certificates_->interval())) {
    co_await certificates_->renew(home_, blocking_);
    const WallTime now = clock_.wall();
    if (pki::hub_authority_is_due(authorities_, now)) {
      const auto rotated = co_await rotate_authority();
      if (!rotated.ok()) {
        logger_.error("the hub's CA was not replaced", {{"error", rotated.error().message()}});
      }
    }
    if (pki::hub_roots_pem(authorities_, now) == announced_roots_) {
      continue;
    }
    const auto made = certificates_->make();
    if (!made.ok()) {
      logger_.error("no certificates of the new CA", {{"error", made.error().message()}});
    }
    announce_roots();
  }
}

// The Agent's program lies beside the hub's, unless the settings say otherwise. A hub without one
// still works: members then pull the image from elsewhere.
Result<void> HubImpl::load_agent_image() {
  const bool asked = !settings_.agent_binary.empty();
  const std::string path = asked ? settings_.agent_binary : program_folder() + "/roadstead-agent";
  const auto binary = io::MappedFile::open(path);
  auto image = binary.ok() ? registry::AgentImage::build({(*binary)->bytes()}, ROADSTEAD_VERSION)
                           : Result<registry::AgentImage>(binary.error());
  if (image.ok()) {
    // Tens of MiB that are asked for once in a while.
    TRY_VOID(image->keep_layers_in(settings_.data_dir + "/images"));
    malloc_trim(0);
    images_.add(ROADSTEAD_VERSION, std::move(*image));
  } else if (asked) {
    return std::move(image).error().with_context("agentBinary");
  } else {
    logger_.warn("no Agent image is served", {{"why", image.error().message()}});
  }
  return {};
}

void HubImpl::make_services() {
  const objects::Kind& clusters = *kinds_->find_kind("roadstead.io", "Cluster");
  const objects::Kind& users = *kinds_->find_kind("roadstead.io", "User");
  const objects::Kind& credentials = *kinds_->find_kind("roadstead.io", "Credential");
  monitor_ = std::make_unique<controllers::ClusterMonitor>(*api_, clusters, clusters_, logger_);
  monitor_->on_removed(
      [this](const std::string& name) { shards_[tunnels_.shard_of(name)]->remove_cluster(name); });
  monitor_->on_conflict([this](const std::string& name, std::uint64_t lane) {
    shards_[tunnels_.shard_of(name)]->refuse_lane(name, lane);
  });
  credentials_ = std::make_unique<controllers::CredentialController>(
      controller_parts(), *api_, users, credentials, authorities_, directory_, [this] {
        for (const auto& shard : shards_) {
          shard->recheck_principals();
        }
      });
  credentials_->refresh();
  make_object_controllers();
  rules_.emplace(api::HubRules{home_, clock_, addresses_, authorities_, directory_,
                               *registration_tokens_, *login_codes_,
                               [this](const std::string& cluster, WallTime expires) {
                                 monitor_->token_minted(cluster, expires);
                               }});
  api::install_hub_rules(*api_, *rules_);
  enrolment_ = std::make_unique<api::Enrolment>(
      home_, api::Enrolment::Rules{
                 clock_, clusters_, authorities_, *registration_tokens_,
                 [this](const std::string& cluster) { return monitor_->registered_ca(cluster); },
                 [this](const api::EnrolmentCall& call) {
                   const bool issued = call.error.empty();
                   monitor_->enrolment_called(
                       call.cluster, {call.address, call.error, call.reason, clock_.wall()},
                       call.ca_fingerprint, issued ? std::optional(call.not_after) : std::nullopt);
                 },
                 logger_, settings_.agent_certificate_lifetime});
  events_ =
      std::make_unique<api::HubEvents>(home_, clock_, *monitor_, clusters_, *enrolment_, logger_);
  login_ = std::make_unique<api::Login>(*api_, credentials, *rules_, logger_);
  object_service_ = std::make_unique<objects::ObjectService>(
      *api_,
      objects::ServiceOptions{
          .version = ROADSTEAD_VERSION,
          .authorize = api::make_authorize(
              authorizer_,
              [this, &credentials](std::string_view resource, const std::string& name) {
                const auto object =
                    resource == "credentials" ? cache_->of(credentials).find({"", name}) : nullptr;
                return object == nullptr
                           ? std::string()
                           : std::string(codec::string_at(object->parse(), {"spec", "username"}));
              })});
  object_handler_ = std::make_unique<objects::ObjectHandler>(home_, *object_service_, nullptr);
}

// What Kubernetes' controller manager does for an API server.
void HubImpl::make_object_controllers() {
  std::vector<controllers::CollectedKind> all;
  std::vector<kube::Resource> contents;
  for (const auto& kind : kinds_->all()) {
    all.push_back({objects::resource_of(*kind), kind->kind});
    if (kind->namespaced) {
      contents.push_back(objects::resource_of(*kind));
    }
  }
  collector_access_ = std::make_unique<objects::ObjectTransport>(*api_, "garbage-collector");
  collector_ =
      std::make_unique<controllers::GarbageCollector>(controller_parts(), *collector_access_, all);
  namespace_access_ = std::make_unique<objects::ObjectTransport>(*api_, "namespace-lifecycle");
  namespaces_ = std::make_unique<controllers::NamespaceController>(
      controller_parts(), *namespace_access_, std::move(contents));
}

void HubImpl::make_shards() {
  edge_options_.zone = settings_.zone;
  edge_options_.proxy_protocol = settings_.proxy_protocol;
  edge_options_.http.h2.buffer_budget = &buffers_;
  port_.emplace(api::UserPort{settings_.zone, clock_, random_, directory_, clusters_, authorizer_,
                              *audit_, tunnels_});
  hub_handler_ = std::make_unique<api::HubHandler>(*port_, *object_handler_, *login_, &images_);
  const ShardPlace::Parts parts{clock_,      random_, *audit_,        metrics_registry_, directory_,
                                *events_,    *port_,  edge_options_,  contexts_,         clusters_,
                                *enrolment_, logger_, random_.hex(4), buffers_};
  std::vector<api::ShardEdge*> edges;
  for (std::size_t i = 0; i < settings_.shards; ++i) {
    shards_.push_back(std::make_unique<ShardPlace>(i == 0 ? &home_ : nullptr, parts,
                                                   i == 0 ? hub_handler_.get() : nullptr));
    edges.push_back(&shards_.back()->edge());
    tunnels_.add({&shards_.back()->stubs(), &shards_.back()->shard()});
  }
  edge_ = std::make_unique<api::Edge>(edge_options_, edges, tunnels_, logger_);
}

// No default password: whoever starts the hub reads a one-time command from its terminal.
io::Task<Result<void>> HubImpl::make_first_administrator() {
  const objects::Kind& kind = *kinds_->find_kind("roadstead.io", "User");
  const objects::RequestContext context = objects::service_context("bootstrap");
  bool somebody_was_here = false;
  for (const auto& [path, object] : cache_->of(kind).objects()) {
    somebody_was_here |= codec::find(object->parse(), {"status", "lastLogin"}) != nullptr;
  }
  objects::ObjectPtr admin = cache_->of(kind).find({"", std::string(kFirstAdministrator)});
  if (somebody_was_here || (admin == nullptr && !cache_->of(kind).objects().empty())) {
    co_return Result<void>();
  }
  const auto credentials = kinds_->find_kind("roadstead.io", "Credential");
  if (!cache_->of(*credentials).objects().empty()) {
    co_return Result<void>();
  }
  if (admin == nullptr) {
    boost::json::object user{{"apiVersion", kind.api_version()},
                             {"kind", kind.kind},
                             {"metadata", {{"name", kFirstAdministrator}}},
                             {"spec", {{"administrator", true}}}};
    CO_TRY(const objects::Written written,
           co_await api_->create(context, kind, "", std::move(user), {}));
    admin = written.object;
  }
  CO_TRY(const auto minted,
         co_await login_codes_->mint(home_, std::string(kube::uid_of(admin->parse())),
                                     std::chrono::hours(24)));
  CO_TRY(const auto roots, crypto::Certificate::chain_from_pem(addresses_.serving_roots_pem));
  first_login_ =
      "Nobody has logged in yet. The first administrator does, once, with:\n\n  roadstead "
      "login --server https://" +
      addresses_.public_endpoint + " --code " + std::string(minted.token.reveal()) +
      " --ca-pin sha256:" + roots.front().fingerprint() + "\n";
  co_return Result<void>();
}

io::Task<void> HubImpl::sweep_tokens() {
  do {
    for (pki::OneTimeTokens* tokens : {&*registration_tokens_, &*login_codes_}) {
      const auto swept = co_await tokens->sweep(home_, "");
      if (!swept.ok()) {
        logger_.warn("old tokens not forgotten", {{"error", swept.error().message()}});
      }
    }
  } while (co_await sweep_sleep_.sleep(kSweepEvery));
}

io::Task<void> HubImpl::until_none(std::size_t (api::ShardEdge::*count)() const, Duration longest) {
  const auto left = [this, count] {
    return std::ranges::any_of(
        shards_, [count](const auto& shard) { return (shard->edge().*count)() != 0; });
  };
  const MonotonicTime until = clock_.now() + longest;
  while (left() && clock_.now() < until) {
    co_await io::sleep_for(home_, std::chrono::milliseconds(10));
  }
}

io::Task<void> HubImpl::run(io::Event& stop) {
  tasks_.spawn(monitor_->run());
  tasks_.spawn(credentials_->run());
  tasks_.spawn(collector_->run());
  tasks_.spawn(namespaces_->run());
  tasks_.spawn(metrics_->run());
  tasks_.spawn(edge_->accept_loop(*listener_));
  tasks_.spawn(sweep_tokens());
  tasks_.spawn(keep_certificates());
  co_await stop.wait();
  logger_.info("hub drains");
  listener_->close();
  // Lanes go when no user of any shard is left who may need them.
  for (const auto& shard : shards_) {
    shard->drain_users();
  }
  co_await until_none(&api::ShardEdge::user_connections, kUserDrainTime);
  for (const auto& shard : shards_) {
    shard->drain_lanes();
  }
  co_await until_none(&api::ShardEdge::connections, kLaneDrainTime);
  co_await edge_->close();
  for (const auto& shard : shards_) {
    co_await shard->close(home_);
  }
  metrics_->close();
  sweep_sleep_.stop();
  certificate_sleep_.stop();
  monitor_->stop();
  credentials_->stop();
  collector_->stop();
  namespaces_->stop();
  cache_->close();
  co_await tasks_.join();
  logger_.info("hub has ended");
}

}  // namespace

Result<std::unique_ptr<Hub>> Hub::start(const Settings& settings, const Clock& clock,
                                        Random& random, io::Shard& home,
                                        const telemetry::Logger& logger) {
  auto hub = std::make_unique<HubImpl>(settings, clock, random, home, logger);
  if (auto started = hub->start(); !started.ok()) {
    hub->abandon();
    return std::move(started).error();
  }
  return std::unique_ptr<Hub>(std::move(hub));
}

}  // namespace roadstead::hub
