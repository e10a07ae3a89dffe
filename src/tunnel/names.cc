// SPDX-License-Identifier: Apache-2.0
#include "tunnel/names.h"

#include <algorithm>

#include "base/ascii.h"

namespace roadstead::tunnel {
namespace {

constexpr std::string_view kScheme = "roadstead://";

// DNS-1123 label characters plus the few that logins may have; no separator of ours.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return ascii::is_lower_alpha(c) || ascii::is_digit(c) || c == '-' || c == '.' || c == '@' ||
           c == '_';
  });
}

bool is_uid(std::string_view uid) {
  return uid.size() == 36 && std::all_of(uid.begin(), uid.end(), [](char c) {
           return ascii::is_digit(c) || (c >= 'a' && c <= 'f') || c == '-';
         });
}

std::string_view short_uid(std::string_view uid) { return uid.substr(0, 8); }

Result<Subject> parse_subject(std::string_view uri) {
  const auto parts = ascii::split(uri.substr(kScheme.size()), '/');
  const bool known =
      parts.size() == 3 && (parts[0] == "cluster" || parts[0] == "user" || parts[0] == "service");
  if (!known || !is_name(parts[1]) || !is_uid(parts[2])) {
    return Error(ErrorKind::Tls, "certificate has a malformed roadstead:// name");
  }
  return Subject{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

}  // namespace

std::string tunnel_server_name(std::string_view cluster) {
  return std::string(cluster).append(".").append(kTunnelZone);
}

std::optional<std::string> cluster_of_tunnel_name(std::string_view server_name) {
  if (server_name.size() <= kTunnelZone.size() + 1 || !server_name.ends_with(kTunnelZone)) {
    return std::nullopt;
  }
  const std::string_view head = server_name.substr(0, server_name.size() - kTunnelZone.size());
  if (head.back() != '.' || head.find('.') != head.size() - 1) {
    return std::nullopt;
  }
  return std::string(head.substr(0, head.size() - 1));
}

std::string subject_uri(const Subject& subject) {
  return std::string(kScheme) + subject.kind + '/' + subject.name + '/' + subject.uid;
}

Result<Subject> subject_of(const crypto::Certificate& certificate) {
  const std::string* found = nullptr;
  for (const std::string& uri : certificate.uris()) {
    if (uri.starts_with(kScheme)) {
      if (found != nullptr) {
        return Error(ErrorKind::Tls, "certificate has more than one roadstead:// name");
      }
      found = &uri;
    }
  }
  if (found == nullptr) {
    return Error(ErrorKind::Tls, "certificate has no roadstead:// name");
  }
  return parse_subject(*found);
}

std::string member_user_name(const Subject& subject) {
  return std::string(subject.kind == "service" ? "rs:service:" : "rs:") + subject.name + ':' +
         std::string(short_uid(subject.uid));
}

Result<std::string> member_group_name(std::string_view organization) {
  const std::size_t colon = organization.rfind(':');
  if (colon == std::string_view::npos || !is_name(organization.substr(0, colon)) ||
      !is_uid(organization.substr(colon + 1))) {
    return Error(ErrorKind::Tls, "certificate has a malformed group name");
  }
  return "rs:group:" + std::string(organization.substr(0, colon)) + ':' +
         std::string(short_uid(organization.substr(colon + 1)));
}

Result<std::vector<std::string>> member_group_names(const crypto::Certificate& certificate) {
  std::vector<std::string> groups;
  for (const std::string& organization : certificate.organizations()) {
    TRY(std::string group, member_group_name(organization));
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace roadstead::tunnel
