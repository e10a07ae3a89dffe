// SPDX-License-Identifier: Apache-2.0
// The object API as requests and answers: routes a method and target to the verbs of ObjectApi, to
// discovery and to OpenAPI, negotiates the form, and turns errors into Status. No HTTP connection
// yet: `handler.h` puts it on one. Lives on the API's home.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/query.h"
#include "kube/request_info.h"
#include "objects/call.h"
#include "objects/discovery.h"
#include "objects/encode.h"
#include "objects/list_body.h"
#include "objects/object_api.h"
#include "objects/openapi.h"
#include "objects/watch.h"

namespace roadstead::objects {

struct ApiRequest {
  RequestContext context;
  std::string method;
  std::string target;
  std::string accept;
  std::string content_type;
  std::string if_none_match;
  std::string user_agent;
  std::string body;
};

// The body of a watch: lines as they come.
class WatchStream {
 public:
  WatchStream(std::unique_ptr<Watch> watch, const Kind& kind, Encoding encoding, ObjectApi& api)
      : watch_(std::move(watch)), kind_(kind), encoding_(std::move(encoding)), api_(api) {}
  // "" is the end.
  io::Task<std::string> next();
  void stop() { watch_->stop(); }

 private:
  void append_line(const WatchEvent& event, std::string& out);

  std::unique_ptr<Watch> watch_;
  const Kind& kind_;
  Encoding encoding_;
  ObjectApi& api_;
};

struct ApiResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::unique_ptr<WatchStream> watch;  // then there is no body
  std::optional<ListBody> list;        // the body of a long list; then `body` is empty
};

// A Status, in the form that is asked for.
ApiResponse error_response(const Error& error, std::string_view accept);

struct ServiceOptions {
  std::string version = "0.1.0";  // of the hub
  Authorize authorize;            // none: everything is allowed
};

class ObjectService {
 public:
  ObjectService(ObjectApi& api, ServiceOptions options);

  // True for the paths that this service answers (/api, /apis, /openapi, /version, health).
  static bool serves(std::string_view path);
  io::Task<ApiResponse> handle(ApiRequest request);
  // Not ready: /readyz gives 500 with this text. "" is ready.
  void set_not_ready(std::string why) { not_ready_ = std::move(why); }

 private:
  io::Task<Result<ApiResponse>> route(const ApiRequest& request);
  Result<ApiResponse> serve_document(const ApiRequest& request, const kube::RequestInfo& info);
  // Resources (service_resource.cc).
  io::Task<Result<ApiResponse>> serve_resource_request(const ApiRequest& request,
                                                       kube::RequestInfo info);
  io::Task<Result<ApiResponse>> serve_subresource(const Call& call, Subresource& subresource);
  io::Task<Result<ApiResponse>> serve_scale(const Call& call);
  io::Task<Result<ApiResponse>> serve_get(const Call& call);
  io::Task<Result<ApiResponse>> serve_list(const Call& call);
  io::Task<Result<ApiResponse>> serve_watch(const Call& call);
  io::Task<Result<ApiResponse>> serve_create(const Call& call);
  io::Task<Result<ApiResponse>> serve_update(const Call& call);
  io::Task<Result<ApiResponse>> serve_patch(const Call& call);
  io::Task<Result<ApiResponse>> serve_apply(const Call& call);
  io::Task<Result<ApiResponse>> serve_delete(const Call& call);
  io::Task<Result<ApiResponse>> serve_delete_collection(const Call& call);
  // An answer to a write that failed; it carries the warnings like any other.
  static Result<ApiResponse> failure(const Call& call, Error error,
                                     const std::vector<std::string>& warnings);
  ApiResponse object_response(const Call& call, const ObjectPtr& object, int status) const;

  ObjectApi& api_;
  ServiceOptions options_;
  Discovery discovery_;
  OpenApi openapi_;
  std::string not_ready_;
};

}  // namespace roadstead::objects
