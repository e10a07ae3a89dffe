// SPDX-License-Identifier: Apache-2.0
#include "telemetry/log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace roadstead::telemetry {
namespace {

void put_field(std::vector<LogField>& fields, const LogField& field) {
  const auto at = std::find_if(fields.begin(), fields.end(),
                               [&](const LogField& f) { return f.key == field.key; });
  if (at != fields.end()) {
    *at = field;
  } else {
    fields.push_back(field);
  }
}

class FdSink final : public LogSink {
 public:
  FdSink(int fd, LogFormat format, std::shared_ptr<const Clock> clock)
      : fd_(fd), format_(format), clock_(std::move(clock)) {}

  void write(LogLevel level, std::string_view event, std::span<const LogField> fields) override {
    const std::string line = format_log_line(format_, clock_->wall(), level, event, fields);
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(n));
      } else if (errno != EINTR) {
        return;  // nobody is left to tell
      }
    }
  }

 private:
  const int fd_;
  const LogFormat format_;
  const std::shared_ptr<const Clock> clock_;
};

}  // namespace

Logger Logger::with(std::initializer_list<LogField> fields) const {
  Logger out = *this;
  for (const LogField& field : fields) {
    put_field(out.fields_, field);
  }
  return out;
}

void Logger::log(LogLevel level, std::string_view event,
                 std::initializer_list<LogField> fields) const {
  if (!enabled(level)) {
    return;
  }
  if (fields_.empty()) {
    sink_->write(level, event, {fields.begin(), fields.size()});
    return;
  }
  std::vector<LogField> all = fields_;
  for (const LogField& field : fields) {
    put_field(all, field);
  }
  sink_->write(level, event, all);
}

std::shared_ptr<LogSink> make_stderr_sink(LogFormat format) {
  return make_fd_sink(STDERR_FILENO, format, std::make_shared<SystemClock>());
}

std::shared_ptr<LogSink> make_fd_sink(int fd, LogFormat format,
                                      std::shared_ptr<const Clock> clock) {
  return std::make_shared<FdSink>(fd, format, std::move(clock));
}

}  // namespace roadstead::telemetry
