// SPDX-License-Identifier: Apache-2.0
#include "agent/prober.h"

#include "agent/failure.h"

namespace roadstead::agent {
namespace {

constexpr Duration kEvery = std::chrono::seconds(10);
constexpr Duration kWhileFailing = std::chrono::seconds(2);
constexpr Duration kLately = std::chrono::seconds(35);

}  // namespace

io::Task<void> Prober::run() {
  do {
    const auto result = co_await probe();
    last_probe_ = executor_.clock().now();
    const bool was_reachable = reachable_;
    reachable_ = result.ok();
    if (result.ok()) {
      succeeded_ = true;
      last_success_ = last_probe_;
      message_.clear();
    } else {
      message_ = explain_api_server_failure(result.error(), origin_).to_text();
    }
    if (!probed_ || was_reachable != reachable_) {
      if (reachable_) {
        logger_.info("api server reached", {{"version", version_}});
      } else {
        logger_.warn("api server not reached", {{"error", message_}});
      }
    }
    probed_ = true;
    if (on_report_) {
      on_report_();
    }
  } while (co_await pause_.sleep(reachable_ ? kEvery : kWhileFailing));
}

io::Task<Result<void>> Prober::probe() {
  CO_TRY_VOID(co_await calls_.readyz());
  CO_TRY(ServerVersion version, co_await calls_.version());
  version_ = std::move(version.git_version);
  platform_ = std::move(version.platform);
  if (!uid_settled_) {
    const auto uid = co_await calls_.cluster_uid();
    // Most clusters do not grant it, and it is only a convenience.
    uid_settled_ = uid.ok() || uid.error().kind() == ErrorKind::PermissionDenied;
    cluster_uid_ = uid.ok() ? *uid : std::string();
  }
  co_return Result<void>();
}

tunnel::ApiServerReport Prober::report() const {
  tunnel::ApiServerReport report;
  report.reachable = reachable_;
  report.version = version_;
  report.message = message_.substr(0, 4096);
  report.cluster_uid = cluster_uid_;
  if (probed_) {
    report.age_milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(executor_.clock().now() - last_probe_)
            .count();
  }
  return report;
}

bool Prober::reachable_lately() const {
  return succeeded_ && executor_.clock().now() - last_success_ < kLately;
}

}  // namespace roadstead::agent
