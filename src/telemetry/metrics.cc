// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <variant>

#include "base/ascii.h"
#include "base/check.h"
#include "base/utf8.h"

namespace roadstead::telemetry {
namespace {

constexpr std::size_t kMaxSeries = 10'000;
constexpr std::size_t kMaxLabelValue = 256;

enum class Kind : unsigned char { Counter, Gauge, Histogram };

// https://prometheus.io/docs/concepts/data_model: names and label names.
bool valid_name(std::string_view name, bool colon) {
  const auto ok = [&](char c, bool first) {
    return ascii::is_alpha(c) || c == '_' || (colon && c == ':') || (!first && ascii::is_digit(c));
  };
  return !name.empty() && ok(name[0], true) &&
         std::all_of(name.begin() + 1, name.end(), [&](char c) { return ok(c, false); });
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  while (!text.empty()) {
    const utf8::CodePoint c = utf8::decode(text);
    if (c.value == '\\') {
      out.append("\\\\");
    } else if (c.value == '\n') {
      out.append("\\n");
    } else if (c.value == '"' && quotes) {
      out.append("\\\"");
    } else if (c.value == utf8::kInvalid) {
      out.append("\xEF\xBF\xBD");  // the format is UTF-8
    } else {
      out.append(text.substr(0, c.length));
    }
    text.remove_prefix(c.length);
  }
}

// `a="1",b="2"`, sorted by name: the identity of a series and its text.
std::string render_labels(Labels labels) {
  std::sort(labels.begin(), labels.end());
  std::string out;
  for (const auto& [name, value] : labels) {
    CHECK(valid_name(name, false), name);
    if (!out.empty()) {
      out.push_back(',');
    }
    out.append(name).append("=\"");
    append_escaped(out, utf8::cut(value, kMaxLabelValue), true);
    out.push_back('"');
  }
  return out;
}

std::string number(double v) {
  if (std::isinf(v)) {
    return v > 0 ? "+Inf" : "-Inf";
  }
  char out[32];
  const auto end = std::to_chars(out, out + sizeof(out), v).ptr;
  return std::string(out, end);
}

struct Series {
  std::variant<Counter, Gauge, Histogram> metric;
  bool hidden = false;  // removed; kept because handles may still be held

  explicit Series(Kind kind, const std::vector<double>& bounds)
      : metric(std::in_place_type<Counter>) {
    if (kind == Kind::Gauge) {
      metric.emplace<Gauge>();
    } else if (kind == Kind::Histogram) {
      metric.emplace<Histogram>(bounds);
    }
  }
};

struct Family {
  Kind kind;
  std::string help;
  std::map<std::string, std::unique_ptr<Series>> series;  // by rendered labels
};

}  // namespace

Histogram::Histogram(std::vector<double> upper_bounds)
    : bounds_(std::move(upper_bounds)),
      buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1)) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()), "histogram bounds must rise");
}

void Histogram::observe(double v) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin();
  buckets_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

void Histogram::reset() {
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    buckets_[i].store(0, std::memory_order_relaxed);
  }
  sum_.store(0, std::memory_order_relaxed);
}

// `name_bucket{labels,le="..."} n` cumulatively, then the sum and the count.
void Histogram::render(std::string& out, std::string_view name, const std::string& labels) const {
  const std::string inside = labels.empty() ? "" : labels + ",";
  const std::string outside = labels.empty() ? "" : "{" + labels + "}";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    total += buckets_[i].load(std::memory_order_relaxed);
    out.append(name).append("_bucket{").append(inside).append("le=\"");
    out.append(i < bounds_.size() ? number(bounds_[i]) : "+Inf").append("\"} ");
    out.append(std::to_string(total)).append("\n");
  }
  out.append(name).append("_sum").append(outside).append(" ");
  out.append(number(sum_.load(std::memory_order_relaxed))).append("\n");
  out.append(name).append("_count").append(outside).append(" ");
  out.append(std::to_string(total)).append("\n");
}

struct MetricRegistry::Impl {
  mutable std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;

  Series& find(Kind kind, std::string_view name, std::string_view help, const Labels& labels,
               const std::vector<double>& bounds);
  static Series& add(Family& family, std::string key, const Labels& labels,
                     const std::vector<double>& bounds);
};

namespace {

void reset(Series& series) {
  series.hidden = false;
  if (auto* counter = std::get_if<Counter>(&series.metric)) {
    counter->reset();
  } else if (auto* gauge = std::get_if<Gauge>(&series.metric)) {
    gauge->set(0);
  } else if (auto* histogram = std::get_if<Histogram>(&series.metric)) {
    histogram->reset();
  }
}

void render_series(std::string& out, const std::string& name, const std::string& labels,
                   const Series& series) {
  if (const auto* histogram = std::get_if<Histogram>(&series.metric)) {
    histogram->render(out, name, labels);
    return;
  }
  out.append(name);
  if (!labels.empty()) {
    out.append("{").append(labels).append("}");
  }
  const auto* counter = std::get_if<Counter>(&series.metric);
  out.append(" ");
  out.append(counter != nullptr ? std::to_string(counter->value())
                                : std::to_string(std::get<Gauge>(series.metric).value()));
  out.append("\n");
}

}  // namespace

Series& MetricRegistry::Impl::add(Family& family, std::string key, const Labels& labels,
                                  const std::vector<double>& bounds) {
  if (family.series.size() >= kMaxSeries) {
    // A removed series gives its place away; else the newcomers share one.
    const auto free = std::find_if(family.series.begin(), family.series.end(),
                                   [](const auto& entry) { return entry.second->hidden; });
    if (free != family.series.end()) {
      auto node = family.series.extract(free);
      node.key() = std::move(key);
      reset(*node.mapped());
      return *family.series.insert(std::move(node)).position->second;
    }
    Labels overflow = labels;
    for (auto& label : overflow) {
      label.second = "overflow";
    }
    key = render_labels(std::move(overflow));
  }
  auto& slot = family.series[std::move(key)];
  if (slot == nullptr) {
    slot = std::make_unique<Series>(family.kind, bounds);
  }
  return *slot;
}

Series& MetricRegistry::Impl::find(Kind kind, std::string_view name, std::string_view help,
                                   const Labels& labels, const std::vector<double>& bounds) {
  const std::lock_guard lock(mutex);
  auto at = families.find(name);
  if (at == families.end()) {
    CHECK(valid_name(name, true), name);
    at = families.emplace(std::string(name), Family{kind, std::string(help), {}}).first;
  }
  Family& family = at->second;
  CHECK(family.kind == kind, name);
  std::string key = render_labels(labels);
  const auto found = family.series.find(key);
  if (found == family.series.end()) {
    return add(family, std::move(key), labels, bounds);
  }
  if (found->second->hidden) {
    reset(*found->second);
  }
  return *found->second;
}

MetricRegistry::MetricRegistry() : impl_(std::make_unique<Impl>()) {}
MetricRegistry::~MetricRegistry() = default;

Counter& MetricRegistry::counter(std::string_view name, std::string_view help,
                                 const Labels& labels) {
  return std::get<Counter>(impl_->find(Kind::Counter, name, help, labels, {}).metric);
}

Gauge& MetricRegistry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return std::get<Gauge>(impl_->find(Kind::Gauge, name, help, labels, {}).metric);
}

Histogram& MetricRegistry::histogram(std::string_view name, std::string_view help,
                                     const std::vector<double>& bounds, const Labels& labels) {
  return std::get<Histogram>(impl_->find(Kind::Histogram, name, help, labels, bounds).metric);
}

void MetricRegistry::remove(std::string_view name, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  const auto family = impl_->families.find(name);
  if (family == impl_->families.end()) {
    return;
  }
  const auto series = family->second.series.find(render_labels(labels));
  if (series != family->second.series.end()) {
    series->second->hidden = true;
  }
}

std::string MetricRegistry::render() const {
  static constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
  const std::lock_guard lock(impl_->mutex);
  std::string out;
  for (const auto& [name, family] : impl_->families) {
    out.append("# HELP ").append(name).append(" ");
    append_escaped(out, family.help, false);
    out.append("\n# TYPE ").append(name).append(" ");
    out.append(kTypes[static_cast<std::size_t>(family.kind)]).append("\n");
    for (const auto& [labels, series] : family.series) {
      if (!series->hidden) {
        render_series(out, name, labels, *series);
      }
    }
  }
  return out;
}

}  // namespace roadstead::telemetry
