// SPDX-License-Identifier: Apache-2.0
#include "api/routing.h"

#include <algorithm>

#include "base/ascii.h"

namespace roadstead::api {
namespace {

constexpr std::string_view kPathPrefix = "/clusters/";

bool is_cluster_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return ascii::is_lower_alpha(c) || ascii::is_digit(c) || c == '-';
         });
}

std::string_view without_port(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? authority.substr(0, colon) : authority;
}

}  // namespace

std::optional<std::string> cluster_of_host(std::string_view host, std::string_view zone) {
  const std::string lower = ascii::to_lower(host);
  std::string_view name = lower;
  if (name.size() <= zone.size() + 1 || !name.ends_with(zone) ||
      name[name.size() - zone.size() - 1] != '.') {
    return std::nullopt;
  }
  name.remove_suffix(zone.size() + 1);
  if (!is_cluster_name(name)) {
    return std::nullopt;
  }
  return std::string(name);
}

Route route_request(std::string_view server_name, std::string_view authority,
                    std::string_view target, std::string_view zone) {
  const auto by_name = cluster_of_host(server_name, zone);
  const auto by_host = cluster_of_host(without_port(authority), zone);
  if (by_host.has_value() && by_name != by_host) {
    return {Route::Kind::Misdirected, *by_host, ""};
  }
  if (by_name.has_value()) {
    return {Route::Kind::Cluster, *by_name, std::string(target)};
  }
  if (!target.starts_with(kPathPrefix)) {
    return {Route::Kind::Hub, "", std::string(target)};
  }
  const std::string_view rest = target.substr(kPathPrefix.size());
  const std::string_view name = rest.substr(0, rest.find_first_of("/?"));
  if (!is_cluster_name(name)) {
    return {Route::Kind::NotFound, "", ""};
  }
  std::string inside(rest.substr(name.size()));
  if (!inside.starts_with('/')) {
    inside.insert(0, "/");
  }
  return {Route::Kind::Cluster, std::string(name), std::move(inside)};
}

}  // namespace roadstead::api
