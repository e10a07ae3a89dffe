// SPDX-License-Identifier: Apache-2.0
#include "kube/status.h"

#include <algorithm>

namespace roadstead::kube {
namespace {

class StatusDetail final : public ErrorDetail {
 public:
  explicit StatusDetail(Status s) : status(std::move(s)) {}
  const Status status;
};

void set_if(json::object& into, std::string_view name, const std::string& value) {
  if (!value.empty()) {
    into[name] = value;
  }
}

json::object details_json(const Status& status) {
  json::object details;
  set_if(details, "name", status.name);
  set_if(details, "group", status.group);
  set_if(details, "kind", status.kind);
  set_if(details, "uid", status.uid);
  if (!status.causes.empty()) {
    json::array causes;
    for (const StatusCause& cause : status.causes) {
      json::object one;
      set_if(one, "reason", cause.reason);
      set_if(one, "message", cause.message);
      set_if(one, "field", cause.field);
      causes.push_back(std::move(one));
    }
    details["causes"] = std::move(causes);
  }
  if (status.retry_after_seconds > 0) {
    details["retryAfterSeconds"] = status.retry_after_seconds;
  }
  return details;
}

Status on_resource(int code, std::string_view reason, const GroupResource& resource,
                   std::string_view name, std::string message) {
  Status status;
  status.code = code;
  status.reason = reason;
  status.message = std::move(message);
  status.name = name;
  status.group = resource.group;
  status.kind = resource.resource;
  return status;
}

Status plain(int code, std::string_view reason, std::string_view message) {
  Status status;
  status.code = code;
  status.reason = reason;
  status.message = message;
  return status;
}

}  // namespace

json::object to_json(const Status& status) {
  json::object out;
  out["kind"] = "Status";
  out["apiVersion"] = "v1";
  out["metadata"] = json::object();
  out["status"] = status.code < 400 ? "Success" : "Failure";
  set_if(out, "message", status.message);
  set_if(out, "reason", status.reason);
  json::object details = details_json(status);
  if (!details.empty() || status.empty_details) {
    out["details"] = std::move(details);
  }
  if (status.code >= 400) {
    out["code"] = status.code;
  }
  return out;
}

std::string to_body(const Status& status) { return codec::write_json(to_json(status)) + "\n"; }

Status status_of(const Error& error) {
  if (const auto* detail = dynamic_cast<const StatusDetail*>(error.detail())) {
    return detail->status;
  }
  const ErrorTraits& t = traits(error.kind());
  return plain(t.http_status, t.reason, error.message());
}

bool carries_status(const Error& error) {
  return dynamic_cast<const StatusDetail*>(error.detail()) != nullptr;
}

Error make_error(ErrorKind kind, Status status) {
  std::string message = status.message;
  return Error(kind, std::move(message))
      .with_detail(std::make_shared<const StatusDetail>(std::move(status)));
}

ErrorKind kind_of_http_status(int http_status) {
  switch (http_status) {
    case 401:
      return ErrorKind::Unauthenticated;
    case 403:
      return ErrorKind::PermissionDenied;
    case 404:
      return ErrorKind::NotFound;
    case 405:
    case 406:
    case 415:
      return ErrorKind::Unsupported;
    case 409:
      return ErrorKind::Conflict;
    case 410:
      return ErrorKind::Gone;
    case 413:
      return ErrorKind::PayloadTooLarge;
    case 429:
      return ErrorKind::TooManyRequests;
    case 503:
      return ErrorKind::Unavailable;
    case 504:
      return ErrorKind::DeadlineExceeded;
    default:
      return http_status < 500 ? ErrorKind::InvalidArgument : ErrorKind::Upstream;
  }
}

Status parse_status(int http_status, std::string_view body) {
  constexpr std::size_t kMaxMessage = 2048;
  Status status;
  status.code = http_status;
  const auto parsed = codec::parse_json(body);
  if (!parsed.ok() || codec::string_at(*parsed, {"kind"}) != "Status") {
    status.message = body.substr(0, kMaxMessage);
    return status;
  }
  const json::value& v = *parsed;
  status.reason = codec::string_at(v, {"reason"});
  status.message = codec::string_at(v, {"message"});
  status.name = codec::string_at(v, {"details", "name"});
  status.group = codec::string_at(v, {"details", "group"});
  status.kind = codec::string_at(v, {"details", "kind"});
  status.uid = codec::string_at(v, {"details", "uid"});
  status.retry_after_seconds = static_cast<int>(
      std::clamp<std::int64_t>(codec::int_at(v, {"details", "retryAfterSeconds"}), 0, 3600));
  const json::value* causes = codec::find(v, {"details", "causes"});
  if (causes != nullptr && causes->is_array()) {
    for (const json::value& cause : causes->get_array()) {
      status.causes.push_back({std::string(codec::string_at(cause, {"reason"})),
                               std::string(codec::string_at(cause, {"message"})),
                               std::string(codec::string_at(cause, {"field"}))});
    }
  }
  return status;
}

Error not_found(const GroupResource& resource, std::string_view name) {
  return make_error(ErrorKind::NotFound,
                    on_resource(404, "NotFound", resource, name,
                                resource.to_string() + " " + quote(name) + " not found"));
}

Error route_not_found() {
  return make_error(ErrorKind::NotFound,
                    plain(404, "NotFound", "the server could not find the requested resource"));
}

Error server_error(std::string message) {
  Status status;
  status.message = std::move(message);
  return make_error(ErrorKind::InvalidArgument, std::move(status));
}

Error being_deleted(const GroupResource& resource, std::string_view name) {
  return make_error(ErrorKind::AlreadyExists,
                    on_resource(409, "AlreadyExists", resource, name,
                                "object is being deleted: " + resource.to_string() + " " +
                                    quote(name) + " already exists"));
}

Error already_exists(const GroupResource& resource, std::string_view name) {
  return make_error(ErrorKind::AlreadyExists,
                    on_resource(409, "AlreadyExists", resource, name,
                                resource.to_string() + " " + quote(name) + " already exists"));
}

Error conflict(const GroupResource& resource, std::string_view name, std::string_view why) {
  std::string message = "Operation cannot be fulfilled on " + resource.to_string() + " " +
                        quote(name) + ": " + std::string(why);
  return make_error(ErrorKind::Conflict,
                    on_resource(409, "Conflict", resource, name, std::move(message)));
}

Error object_modified(const GroupResource& resource, std::string_view name) {
  return conflict(resource, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

Error invalid(std::string_view group, std::string_view kind, std::string_view name,
              const FieldErrors& errors) {
  Status status;
  status.code = 422;
  status.reason = "Invalid";
  status.name = name;
  status.group = group;
  status.kind = kind;
  std::string list;
  std::vector<std::string> seen;  // Go's aggregate prints a repeated message once
  for (const FieldError& error : errors) {
    status.causes.push_back({std::string(cause_reason(error.type)), error.body, error.field});
    std::string text = error.to_string();
    if (std::find(seen.begin(), seen.end(), text) == seen.end()) {
      list += seen.empty() ? "" : ", ";
      list += text;
      seen.push_back(std::move(text));
    }
  }
  status.message = std::string(kind) + (group.empty() ? "" : "." + std::string(group)) + " " +
                   quote(name) + " is invalid";
  if (seen.size() == 1) {
    status.message += ": " + list;
  } else if (seen.size() > 1) {
    status.message += ": [" + list + "]";
  }
  return make_error(ErrorKind::InvalidArgument, std::move(status));
}

Error bad_request(std::string_view message) {
  return make_error(ErrorKind::InvalidArgument, plain(400, "BadRequest", message));
}

Error forbidden(const GroupResource& resource, std::string_view name, std::string_view why) {
  std::string message;
  if (resource.resource.empty()) {
    message = "forbidden: " + std::string(why);
  } else if (name.empty()) {
    message = resource.to_string() + " is forbidden: " + std::string(why);
  } else {
    message = resource.to_string() + " " + quote(name) + " is forbidden: " + std::string(why);
  }
  return make_error(ErrorKind::PermissionDenied,
                    on_resource(403, "Forbidden", resource, name, std::move(message)));
}

Error method_not_allowed(const GroupResource& resource, std::string_view action) {
  std::string message =
      std::string(action) + " is not supported on resources of kind " + quote(resource.to_string());
  return make_error(ErrorKind::Unsupported,
                    on_resource(405, "MethodNotAllowed", resource, "", std::move(message)));
}

Error unsupported_media_type(std::string_view message) {
  return make_error(ErrorKind::Unsupported, plain(415, "UnsupportedMediaType", message));
}

Error not_acceptable(std::string_view message) {
  return make_error(ErrorKind::Unsupported, plain(406, "NotAcceptable", message));
}

Error expired(std::string_view message) {
  return make_error(ErrorKind::Gone, plain(410, "Expired", message));
}

Error too_large_resource_version(std::uint64_t requested, std::uint64_t current) {
  // client-go knows this one by its cause. It retries after a second by itself.
  Status status = plain(504, "Timeout",
                        "Timeout: Too large resource version: " + std::to_string(requested) +
                            ", current: " + std::to_string(current));
  status.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  status.retry_after_seconds = 1;
  return make_error(ErrorKind::DeadlineExceeded, std::move(status));
}

Error request_too_large(std::string_view message) {
  return make_error(
      ErrorKind::PayloadTooLarge,
      plain(413, "RequestEntityTooLarge", "Request entity too large: " + std::string(message)));
}

Error unauthorized(std::string_view message) {
  return make_error(ErrorKind::Unauthenticated, plain(401, "Unauthorized", message));
}

}  // namespace roadstead::kube
