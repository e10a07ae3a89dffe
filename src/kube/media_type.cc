// SPDX-License-Identifier: Apache-2.0
#include "kube/media_type.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <optional>

#include "base/ascii.h"
#include "kube/status.h"

namespace roadstead::kube {
namespace {

double quality(const MediaType& range) {
  const std::string q(range.parameter("q"));
  return q.empty() ? 1.0 : std::strtod(q.c_str(), nullptr);
}

// Splits at commas outside of quotes.
std::vector<std::string_view> split_ranges(std::string_view text) {
  std::vector<std::string_view> out;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && !quoted)) {
      out.push_back(ascii::trim(text.substr(start, i - start)));
      start = i + 1;
    } else if (text[i] == '"') {
      quoted = !quoted;
    }
  }
  return out;
}

std::optional<Representation> representation_of(const MediaType& range, bool discovery) {
  const std::string_view as = range.parameter("as");
  const std::string_view group = range.parameter("g");
  const std::string_view version = range.parameter("v");
  if (as.empty()) {
    return Representation::Object;
  }
  if (discovery) {
    const bool known =
        as == "APIGroupDiscoveryList" && group == "apidiscovery.k8s.io" && version == "v2";
    return known ? std::optional(Representation::AggregatedDiscovery) : std::nullopt;
  }
  if (group != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) {
    return std::nullopt;
  }
  if (as == "Table") {
    return Representation::Table;
  }
  if (as == "PartialObjectMetadata") {
    return Representation::PartialObject;
  }
  if (as == "PartialObjectMetadataList") {
    return Representation::PartialObjectList;
  }
  return std::nullopt;
}

}  // namespace

std::string_view MediaType::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

MediaType parse_media_type(std::string_view text) {
  MediaType out;
  bool first = true;
  for (const std::string_view piece : ascii::split(text, ';')) {
    const std::string_view part = ascii::trim(piece);
    if (first) {
      out.type = ascii::to_lower(part);
      first = false;
      continue;
    }
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    std::string_view value = ascii::trim(part.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    out.parameters.emplace_back(ascii::to_lower(ascii::trim(part.substr(0, equals))), value);
  }
  return out;
}

Result<Negotiated> negotiate(std::string_view accept, bool discovery) {
  if (ascii::trim(accept).empty()) {
    return Negotiated{};
  }
  std::multimap<double, MediaType, std::greater<>> ranges;  // keeps the order of equals
  for (const std::string_view text : split_ranges(accept)) {
    MediaType range = parse_media_type(text);
    const double q = quality(range);
    ranges.emplace(q, std::move(range));
  }
  for (const auto& [q, range] : ranges) {
    const bool json =
        range.type == "application/json" || range.type == "application/*" || range.type == "*/*";
    const bool yaml = range.type == "application/yaml";
    const auto representation = representation_of(range, discovery);
    if ((!json && !yaml) || !representation) {
      continue;
    }
    Negotiated chosen;
    chosen.representation = *representation;
    chosen.version = range.parameter("v").empty() ? "v1" : std::string(range.parameter("v"));
    chosen.pretty = range.parameter("pretty") == "1";
    chosen.yaml = yaml;
    return chosen;
  }
  return not_acceptable(
      "only the following media types are accepted: application/json, application/yaml");
}

}  // namespace roadstead::kube
