// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>

#include "audit/sink.h"
#include "base/rfc3339.h"

namespace roadstead::audit {
namespace {

using telemetry::LogFieldView;
using telemetry::LogFormat;
using telemetry::LogLevel;

class Number {
 public:
  template <class T>
  explicit Number(T value) {
    end_ = std::to_chars(digits_.begin(), digits_.end(), value).ptr;
  }
  std::string_view text() const {
    return {digits_.data(), static_cast<std::size_t>(end_ - digits_.data())};
  }

 private:
  std::array<char, 24> digits_;
  char* end_;
};

class LogAuditSink final : public AuditSink {
 public:
  LogAuditSink(LogFormat format, const Clock& clock, io::BatchWriter& writer,
               telemetry::Counter& lost)
      : format_(format), clock_(clock), writer_(writer), lost_(lost) {}

  void write(const RequestRecord& r) override {
    const Number micros(std::chrono::duration_cast<std::chrono::microseconds>(r.took).count());
    const Number status(r.status);
    const Number in(r.bytes_in);
    const Number out(r.bytes_out);
    const Number attempts(r.attempts);
    std::string started;
    append_rfc3339_micro(started, r.started);
    const std::array<LogFieldView, 18> fields{{{"auditID", r.audit_id},
                                               {"started", started},
                                               {"micros", micros.text(), true},
                                               {"user", r.user},
                                               {"credential", r.credential_serial},
                                               {"source", r.source_address},
                                               {"cluster", r.cluster},
                                               {"verb", r.verb},
                                               {"method", r.method},
                                               {"path", r.path},
                                               {"userAgent", r.user_agent},
                                               {"upgrade", r.upgrade},
                                               {"status", status.text(), true},
                                               {"rule", r.rule},
                                               {"reason", r.reason},
                                               {"bytesIn", in.text(), true},
                                               {"bytesOut", out.text(), true},
                                               {"attempts", attempts.text(), true}}};
    // Kept between calls: its memory is the size of a line.
    static thread_local std::string line;
    line.clear();
    telemetry::append_log_line(line, format_, clock_.wall(), LogLevel::Info, "request", fields);
    if (!writer_.add(line)) {
      lost_.add();
    }
  }

 private:
  const LogFormat format_;
  const Clock& clock_;
  io::BatchWriter& writer_;
  telemetry::Counter& lost_;
};

}  // namespace

std::unique_ptr<AuditSink> make_log_audit_sink(LogFormat format, const Clock& clock,
                                               io::BatchWriter& writer, telemetry::Counter& lost) {
  return std::make_unique<LogAuditSink>(format, clock, writer, lost);
}

std::string lost_records_line(LogFormat format, WallTime time, std::uint64_t count) {
  const Number text(count);
  std::string line;
  telemetry::append_log_line(line, format, time, LogLevel::Error, "request records lost",
                             std::array<LogFieldView, 1>{{{"count", text.text(), true}}});
  return line;
}

}  // namespace roadstead::audit
