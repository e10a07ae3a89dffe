// SPDX-License-Identifier: Apache-2.0
#include "kube/request_info.h"

#include <optional>

#include "base/ascii.h"
#include "kube/names.h"
#include "kube/query.h"

namespace roadstead::kube {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  std::vector<std::string> parts;
  if (!path.empty()) {
    for (const std::string_view part : ascii::split(path, '/')) {
      parts.emplace_back(part);
    }
  }
  return parts;
}

std::string verb_of_method(std::string_view method) {
  if (method == "POST") {
    return "create";
  }
  if (method == "GET" || method == "HEAD") {
    return "get";
  }
  if (method == "PUT") {
    return "update";
  }
  if (method == "PATCH") {
    return "patch";
  }
  if (method == "DELETE") {
    return "delete";
  }
  return "";
}

// "metadata.name=x" as one of the selector's terms; a term list that cannot be read gives nothing.
std::optional<std::string> exact_name(std::string_view selector) {
  for (const std::string_view term : ascii::split(selector, ',')) {
    std::string_view value;
    if (term.starts_with("metadata.name==")) {
      value = term.substr(15);
    } else if (term.starts_with("metadata.name=")) {
      value = term.substr(14);
    } else {
      continue;
    }
    if (check_path_segment(value).empty()) {
      return std::string(value);
    }
  }
  return std::nullopt;
}

void drop_front(std::vector<std::string>& parts, std::size_t n) {
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(n));
}

bool takes_selectors(std::string_view verb) {
  return verb == "list" || verb == "watch" || verb == "deletecollection";
}

// Names the resource in `info` from what stands behind the version.
void read_parts(RequestInfo& info, std::vector<std::string> parts) {
  if (parts[0] == "namespaces" && parts.size() > 1) {
    info.namespace_ = parts[1];
    // namespaces/NAME/status and /finalize are about the namespace itself.
    if (parts.size() > 2 && parts[2] != "status" && parts[2] != "finalize") {
      drop_front(parts, 2);
    }
  }
  info.resource = parts[0];
  if (parts.size() >= 2) {
    info.name = parts[1];
  }
  if (parts.size() >= 3 && info.verb != "proxy") {
    info.subresource = parts[2];
  }
  info.parts = std::move(parts);
}

}  // namespace

Result<RequestInfo> parse_request_info(std::string_view method, std::string_view target) {
  const auto [raw_path, raw_query] = split_target(target);
  RequestInfo info;
  TRY(info.path, percent_decode(raw_path));
  info.verb = ascii::to_lower(method);

  std::vector<std::string> parts = split_path(info.path);
  if (parts.size() < 3 || (parts[0] != "api" && parts[0] != "apis")) {
    return info;
  }
  if (parts[0] == "apis" && parts.size() < 4) {
    return info;
  }
  info.api_prefix = parts[0];
  drop_front(parts, 1);
  if (info.api_prefix == "apis") {
    info.group = parts[0];
    drop_front(parts, 1);
  }
  info.is_resource = true;
  info.version = parts[0];
  drop_front(parts, 1);

  const bool verb_in_path = parts[0] == "proxy" || parts[0] == "watch";
  if (verb_in_path) {
    if (parts.size() < 2) {
      return Error(ErrorKind::InvalidArgument,
                   "unable to determine kind and namespace from url, " + info.path);
    }
    info.verb = parts[0];
    drop_front(parts, 1);
  } else {
    info.verb = verb_of_method(method);
  }
  read_parts(info, std::move(parts));

  const Query query = Query::parse(raw_query);
  if (info.name.empty() && info.verb == "get") {
    info.verb = query.get_bool("watch") ? "watch" : "list";
    if (auto name = exact_name(query.get("fieldSelector"))) {
      info.name = std::move(*name);
    }
  }
  if (info.name.empty() && info.verb == "delete") {
    info.verb = "deletecollection";
  }
  if (!verb_in_path && takes_selectors(info.verb)) {
    info.field_selector = query.get("fieldSelector");
    info.label_selector = query.get("labelSelector");
  }
  return info;
}

}  // namespace roadstead::kube
