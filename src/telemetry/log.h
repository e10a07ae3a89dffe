// SPDX-License-Identifier: Apache-2.0
// Structured log lines: an event in words and key-value fields; text or JSON. A `Logger` is a value
// passed down; `with()` adds fields (cluster, request id). Thread-safe. Control characters in
// values are escaped, values are cut at 4 KiB, secrets cannot be formatted.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roadstead::telemetry {

enum class LogLevel : unsigned char { Debug, Info, Warn, Error };

struct LogField {
  std::string key;
  std::string value;

  LogField(std::string k, std::string_view v) : key(std::move(k)), value(v) {}
  LogField(std::string k, const char* v) : key(std::move(k)), value(v) {}
  LogField(std::string k, const std::string& v) : key(std::move(k)), value(v) {}
  LogField(std::string k, std::int64_t v) : key(std::move(k)), value(std::to_string(v)) {}
  LogField(std::string k, std::uint64_t v) : key(std::move(k)), value(std::to_string(v)) {}
  LogField(std::string k, int v) : key(std::move(k)), value(std::to_string(v)) {}
  LogField(std::string k, bool v) : key(std::move(k)), value(v ? "true" : "false") {}
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view event,
                     const std::vector<LogField>& fields) = 0;
};

class Logger {
 public:
  Logger() = default;  // drops everything
  Logger(std::shared_ptr<LogSink> sink, LogLevel lowest) : sink_(std::move(sink)), lowest_(lowest) {}

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
std::shared_ptr<LogSink> make_stderr_sink(LogFormat format);

}  // namespace roadstead::telemetry
