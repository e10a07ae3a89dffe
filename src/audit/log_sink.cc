// SPDX-License-Identifier: Apache-2.0
#include "audit/sink.h"
#include "base/rfc3339.h"

namespace roadstead::audit {
namespace {

class LogAuditSink final : public AuditSink {
 public:
  explicit LogAuditSink(telemetry::Logger logger) : logger_(std::move(logger)) {}

  void write(const RequestRecord& r) override {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(r.took).count();
    logger_.info("request", {{"auditID", r.audit_id},
                             {"started", format_rfc3339_micro(r.started)},
                             {"micros", std::int64_t{micros}},
                             {"user", r.user},
                             {"credential", r.credential_serial},
                             {"source", r.source_address},
                             {"cluster", r.cluster},
                             {"verb", r.verb},
                             {"method", r.method},
                             {"path", r.path},
                             {"userAgent", r.user_agent},
                             {"upgrade", r.upgrade},
                             {"status", r.status},
                             {"rule", r.rule},
                             {"reason", r.reason},
                             {"bytesIn", r.bytes_in},
                             {"bytesOut", r.bytes_out},
                             {"attempts", r.attempts}});
  }

 private:
  telemetry::Logger logger_;
};

}  // namespace

std::unique_ptr<AuditSink> make_log_audit_sink(telemetry::Logger logger) {
  return std::make_unique<LogAuditSink>(std::move(logger));
}

}  // namespace roadstead::audit
