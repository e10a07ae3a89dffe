// SPDX-License-Identifier: Apache-2.0
#include "stub/plan.h"

#include "base/ascii.h"
#include "kube/status.h"
#include "tunnel/header_rules.h"
#include "tunnel/protocol.h"

namespace roadstead::stub {
namespace {

// Reads one path segment's dots through percent-encoding: "%2e." is "..".
bool is_dot_segment(std::string_view segment) {
  if (segment.empty() || (segment.front() != '.' && segment.front() != '%')) {
    return false;
  }
  std::string plain;
  for (std::size_t i = 0; i < segment.size() && plain.size() <= 2; ++i) {
    if (segment[i] == '%' && i + 2 < segment.size() && segment[i + 1] == '2' &&
        ascii::lower(segment[i + 2]) == 'e') {
      plain.push_back('.');
      i += 2;
    } else {
      plain.push_back(segment[i]);
    }
  }
  return plain == "." || plain == "..";
}

// Encoded slashes and backslashes would make segments that this check does not see.
bool hides_separator(std::string_view segment) {
  for (std::size_t i = 0; i + 2 < segment.size(); ++i) {
    if (segment[i] == '%') {
      const char a = segment[i + 1];
      const char b = ascii::lower(segment[i + 2]);
      if ((a == '2' && b == 'f') || (a == '5' && b == 'c')) {
        return true;
      }
    }
  }
  return segment.find('\\') != std::string_view::npos;
}

Result<void> check_path(std::string_view path) {
  if (!path.starts_with('/')) {
    return kube::bad_request("the path must begin with /");
  }
  for (const std::string_view segment : ascii::split(path, '/')) {
    // What follows */proxy/ belongs to the backend and is passed on as it is.
    if (segment == "proxy") {
      return {};
    }
    const std::string_view first = segment.substr(0, segment.find_first_of("\\"));
    if (is_dot_segment(segment) || is_dot_segment(first) ||
        (hides_separator(segment) && segment.find('.') != std::string_view::npos) ||
        (hides_separator(segment) && ascii::to_lower(segment).find("%2e") != std::string::npos)) {
      return kube::bad_request("the path has dot segments, which are refused");
    }
  }
  return {};
}

Result<void> check_fields(const http::RequestHead& request) {
  if (const auto name = tunnel::find_impersonation(request.headers)) {
    return kube::make_error(
        ErrorKind::PermissionDenied,
        {.code = 403,
         .reason = "Forbidden",
         .message = "impersonation (--as, header \"" + *name +
                    "\") is not possible through the hub: every request runs as the person who "
                    "logged in"});
  }
  const std::string* destination = request.headers.find("sec-fetch-dest");
  if (destination != nullptr && ascii::equals_ignore_case(*destination, "document")) {
    return kube::make_error(ErrorKind::PermissionDenied,
                            {.code = 403,
                             .reason = "Forbidden",
                             .message = "a browser cannot open a member cluster's pages directly"});
  }
  return {};
}

}  // namespace

Result<Plan> make_plan(http::RequestHead request, std::string_view target, bool body_empty,
                       const std::string& audit_id) {
  TRY_VOID(check_path(target.substr(0, target.find('?'))));
  TRY_VOID(check_fields(request));
  Plan plan;
  TRY(plan.info, kube::parse_request_info(request.method, target));
  plan.watch = plan.info.verb == "watch";
  if (request.method == "CONNECT") {
    return kube::make_error(
        ErrorKind::Unsupported,
        {.code = 405, .reason = "MethodNotAllowed", .message = "CONNECT is not served"});
  }

  plan.head.scheme = tunnel::kUserScheme;
  plan.head.authority = tunnel::kAuthority;
  plan.head.method = request.method;
  plan.head.target = target;
  plan.head.headers = std::move(request.headers);
  const http::Headers& fields = plan.head.headers;
  if (fields.has("upgrade") && fields.has_token("connection", "upgrade")) {
    TRY(plan.upgrade, tunnel::upgrade_protocol(fields));
    if (request.method != "GET" && request.method != "POST") {
      return kube::bad_request("an upgrade is a GET or a POST");
    }
    plan.head.method = "CONNECT";
    plan.head.protocol = plan.upgrade;
  }
  tunnel::strip_request(plan.head.headers);
  if (!plan.upgrade.empty()) {
    // An empty POST says "content-length: 0"; what follows an upgrade is no body.
    plan.head.headers.remove("content-length");
    plan.head.headers.add(std::string(tunnel::kMethodField), request.method);
  }
  plan.head.headers.add("audit-id", audit_id);

  const bool safe =
      request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
  plan.repeatable = safe && body_empty && plan.upgrade.empty() && plan.info.verb != "proxy" &&
                    plan.info.subresource != "proxy";
  return plan;
}

}  // namespace roadstead::stub
