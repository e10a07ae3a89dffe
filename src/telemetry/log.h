// SPDX-License-Identifier: Apache-2.0
// Structured log lines: an event in words and key-value fields; text or JSON. A `Logger` is a value
// passed down; `with()` adds fields (cluster, request id). Thread-safe. Control characters in
// values are escaped, values are cut at 4 KiB, secrets cannot be formatted.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace roadstead::telemetry {

enum class LogLevel : unsigned char { Debug, Info, Warn, Error };

struct LogField {
  std::string key;
  std::string value;
  bool bare = false;  // a number or boolean: unquoted in JSON

  LogField(std::string k, std::string_view v) : key(std::move(k)), value(v) {}
  LogField(std::string k, const char* v) : key(std::move(k)), value(v) {}
  LogField(std::string k, const std::string& v) : key(std::move(k)), value(v) {}
  template <std::integral T>
  LogField(std::string k, T v) : key(std::move(k)), value(std::to_string(v)), bare(true) {}
  LogField(std::string k, bool v) : key(std::move(k)), value(v ? "true" : "false"), bare(true) {}
};

// The same for a line that is formatted at once: it borrows its words.
struct LogFieldView {
  std::string_view key;
  std::string_view value;
  bool bare = false;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view event, std::span<const LogField> fields) = 0;
};

class Logger {
 public:
  Logger() = default;  // drops everything
  Logger(std::shared_ptr<LogSink> sink, LogLevel lowest)
      : sink_(std::move(sink)), lowest_(lowest) {}

  // A field whose key is there already replaces the older one.
  Logger with(std::initializer_list<LogField> fields) const;

  bool enabled(LogLevel level) const { return sink_ != nullptr && level >= lowest_; }
  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Error, event, fields);
  }

 private:
  void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const;
  std::shared_ptr<LogSink> sink_;
  LogLevel lowest_ = LogLevel::Info;
  std::vector<LogField> fields_;
};

enum class LogFormat : unsigned char { Text, Json };

// One write(2) per line, so that lines of several processes do not mix. A line that a non-blocking
// descriptor does not take is dropped: logging never stops a shard for long.
std::shared_ptr<LogSink> make_stderr_sink(LogFormat format);
// Does not own the descriptor.
std::shared_ptr<LogSink> make_fd_sink(int fd, LogFormat format, std::shared_ptr<const Clock> clock);

// The line with its line feed:
//   2026-11-22T07:54:08.123Z INFO  lane connected cluster=ack streams=3
//   {"time":"2026-11-22T07:54:08.123Z","level":"info","event":"lane connected","cluster":"ack",...}
std::string format_log_line(LogFormat format, WallTime time, LogLevel level, std::string_view event,
                            std::span<const LogField> fields);
void append_log_line(std::string& out, LogFormat format, WallTime time, LogLevel level,
                     std::string_view event, std::span<const LogFieldView> fields);

}  // namespace roadstead::telemetry
