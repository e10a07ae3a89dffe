// SPDX-License-Identifier: Apache-2.0
// The Kubernetes `Status` object: what every failed request is answered with. An `Error` that was
// made here carries its Status with it (`status_of` gets it back); any other Error is mapped by the
// table of base. Plain values.
//
// Retry-After makes client-go repeat a request, writes included, so it is never added by default:
// only who knows that the request was not processed sets `retry_after_seconds`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "kube/field_error.h"

namespace roadstead::kube {

struct StatusCause {
  std::string reason;
  std::string message;
  std::string field;
};

struct Status {
  int code = 500;
  std::string reason;
  std::string message;
  // details; left out when all are empty
  std::string name;
  std::string group;
  std::string kind;  // plural resource, or the kind in an `Invalid`
  std::string uid;
  std::vector<StatusCause> causes;
  int retry_after_seconds = 0;
  bool empty_details = false;  // "details": {} even when there is nothing in it
};

struct GroupResource {
  std::string group;
  std::string resource;
  std::string to_string() const { return group.empty() ? resource : resource + "." + group; }
};

json::object to_json(const Status& status);
std::string to_body(const Status& status);

// The Status that an Error stands for.
Status status_of(const Error& error);
// Does it carry a Status, as an answer of an API server or of the hub does?
bool carries_status(const Error& error);
// `kind` is what code below HTTP decides by.
Error make_error(ErrorKind kind, Status status);

// A `Status` read from an API server's answer; the code wins over what the body says. A body that
// is no Status becomes the message (cut at 2 KiB).
Status parse_status(int http_status, std::string_view body);
ErrorKind kind_of_http_status(int http_status);

// Worded as apimachinery's NewNotFound and its siblings.
Error not_found(const GroupResource& resource, std::string_view name);
Error route_not_found();  // "the server could not find the requested resource"
// 500 without a reason: what the API server says of errors that it did not expect.
Error server_error(std::string message);
Error being_deleted(const GroupResource& resource, std::string_view name);
Error already_exists(const GroupResource& resource, std::string_view name);
Error conflict(const GroupResource& resource, std::string_view name, std::string_view why);
Error object_modified(const GroupResource& resource, std::string_view name);
Error invalid(std::string_view group, std::string_view kind, std::string_view name,
              const FieldErrors& errors);
Error bad_request(std::string_view message);
Error forbidden(const GroupResource& resource, std::string_view name, std::string_view why);
Error method_not_allowed(const GroupResource& resource, std::string_view action);
Error unsupported_media_type(std::string_view message);
Error not_acceptable(std::string_view message);
Error expired(std::string_view message);  // 410 Expired: list again
Error too_large_resource_version(std::uint64_t requested, std::uint64_t current);
Error request_too_large(std::string_view message);
Error unauthorized(std::string_view message = "Unauthorized");

}  // namespace roadstead::kube
