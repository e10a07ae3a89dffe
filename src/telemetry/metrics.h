// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms in the Prometheus text format (version 0.0.4). Families are made
// once at start; handles are cheap, thread-safe (relaxed atomics) and live as long as the registry.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roadstead::telemetry {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }
  void reset() { value_.store(0, std::memory_order_relaxed); }  // for the registry

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void observe(double v);
  // For the registry.
  void reset();
  void render(std::string& out, std::string_view name, const std::string& labels) const;

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;  // one more than bounds: +Inf
  std::atomic<double> sum_{0};
};

class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  // The same name and labels give the same handle; at most 10,000 series a family, beyond which
  // the family's overflow series (label values "overflow") is returned.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help,
                       const std::vector<double>& bounds, const Labels& labels = {});
  // Takes the series out of the output. Handles to it stay safe to use, but a new series may take
  // its place later: let go of them. Made again, it starts at zero.
  void remove(std::string_view name, const Labels& labels);
  std::string render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roadstead::telemetry
