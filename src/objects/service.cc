// SPDX-License-Identifier: Apache-2.0
#include "objects/service.h"

#include "base/ascii.h"
#include "kube/names.h"

namespace roadstead::objects {
namespace {

ApiResponse plain(int status, std::string text) {
  ApiResponse out;
  out.status = status;
  out.content_type = "text/plain; charset=utf-8";
  out.headers.emplace_back("x-content-type-options", "nosniff");
  out.body = std::move(text);
  return out;
}

ApiResponse page_not_found() { return plain(404, "404 page not found\n"); }

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  for (const std::string_view part : ascii::split(path, '/')) {
    if (!part.empty()) {
      out.push_back(part);
    }
  }
  return out;
}

bool is_health(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz";
}

constexpr std::string_view kProtobufV2 = "application/com.github.proto-openapi.spec.v2";

// kubectl asks for the v2 document, in protobuf alone, when no v3 document names a kind. This one
// (openapi.v2.Document with swagger and info) describes nothing, so that kubectl goes on and says
// that there is no such kind.
std::string bare_protobuf_v2(const std::string& version) {
  const auto text = [](char tag, std::string_view value) {
    return std::string{tag, static_cast<char>(value.size())} + std::string(value);
  };
  return text('\x0a', "2.0") +
         text('\x12', text('\x0a', "Roadstead") + text('\x12', version.substr(0, 64)));
}

std::string watch_error_line(const Error& error) {
  return watch_line(WatchEventType::Error,
                    codec::write_json(kube::to_json(kube::status_of(error))));
}

}  // namespace

ApiResponse error_response(const Error& error, std::string_view accept) {
  const kube::Status status = kube::status_of(error);
  ApiResponse out;
  out.status = status.code;
  kube::Negotiated form;
  if (auto wanted = kube::negotiate(accept); wanted.ok()) {
    form.yaml = wanted->yaml;
    form.pretty = wanted->pretty;
  }
  out.body = encode_value(kube::to_json(status), form);
  out.content_type = content_type(form);
  if (status.retry_after_seconds > 0) {
    out.headers.emplace_back("retry-after", std::to_string(status.retry_after_seconds));
  }
  return out;
}

void WatchStream::append_line(const WatchEvent& event, std::string& out) {
  if (event.type == WatchEventType::Error) {
    out += watch_error_line(*event.error) + "\n";
    return;
  }
  const bool whole = encoding_.form.representation == kube::Representation::Object;
  const WallTime now = api_.clock().wall();
  begin_watch_line(event.type, out);
  if (event.type != WatchEventType::Bookmark && whole) {
    out += event.object->text;  // as it is: thousands of watches may send the same
  } else if (event.type == WatchEventType::Bookmark && whole) {
    out += codec::write_json(bookmark_object(kind_, event));
  } else {
    const ObjectPtr object = event.type == WatchEventType::Bookmark
                                 ? make_object(bookmark_object(kind_, event), event.revision)
                                 : event.object;
    out += encode_object(kind_, object, encoding_, now);
    if (out.ends_with('\n')) {
      out.pop_back();
    }
  }
  encoding_.table.headers = false;  // only the first row of a watched table carries them
  out += "}\n";
}

io::Task<std::string> WatchStream::next() {
  std::string out;
  for (const WatchEvent& event : co_await watch_->next()) {
    append_line(event, out);
  }
  co_return out;
}

ObjectService::ObjectService(ObjectApi& api, ServiceOptions options)
    : api_(api), options_(std::move(options)), discovery_(api), openapi_(api.kinds()) {}

bool ObjectService::serves(std::string_view path) {
  for (const std::string_view root :
       {"/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz"}) {
    if (path == root || (path.starts_with(root) && path[root.size()] == '/')) {
      return true;
    }
  }
  return false;
}

io::Task<ApiResponse> ObjectService::handle(ApiRequest request) {
  auto response = co_await route(request);
  if (!response.ok()) {
    co_return error_response(response.error(), request.accept);
  }
  co_return std::move(*response);
}

Result<ApiResponse> ObjectService::serve_document(const ApiRequest& request,
                                                  const kube::RequestInfo& info) {
  const auto parts = segments(info.path);
  const std::string_view root = parts.empty() ? std::string_view() : parts[0];
  if (request.method != "GET" && request.method != "HEAD") {
    return kube::method_not_allowed({}, request.method);
  }
  ApiResponse out;
  if (is_health(info.path)) {
    const bool bad = info.path == "/readyz" && !not_ready_.empty();
    return plain(bad ? 500 : 200, bad ? not_ready_ + "\n" : "ok");
  }
  const OpenApi::Document* document = nullptr;
  if (root == "openapi" && parts.size() == 2 && parts[1] == "v2") {
    document = &openapi_.v2();
  } else if (root == "openapi" && parts.size() == 2 && parts[1] == "v3") {
    document = &openapi_.v3_index();
  } else if (root == "openapi" && info.path.starts_with("/openapi/v3/")) {
    document = openapi_.v3(std::string_view(info.path).substr(12));
  }
  if (document == &openapi_.v2() && request.accept.find(kProtobufV2) != std::string::npos &&
      request.accept.find("json") == std::string::npos) {
    out.content_type = kProtobufV2;
    out.content_type += ".v1.0+protobuf";
    out.body = bare_protobuf_v2(options_.version);
    return out;
  }
  if (document != nullptr) {
    if (request.accept.find("json") == std::string::npos &&
        request.accept.find("*/*") == std::string::npos && !request.accept.empty()) {
      return kube::not_acceptable("only application/json is served");
    }
    out.headers.emplace_back("etag", "\"" + document->hash + "\"");
    if (request.if_none_match == "\"" + document->hash + "\"") {
      out.status = 304;
      return out;
    }
    out.body = document->body;
    return out;
  }
  if (root == "version" && parts.size() == 1) {
    out.body = codec::write_json_pretty(version_document(options_.version));
    return out;
  }

  const bool discovery_root = parts.size() == 1 && (root == "api" || root == "apis");
  TRY(const kube::Negotiated form, kube::negotiate(request.accept, true));
  if (discovery_root && form.representation == kube::Representation::AggregatedDiscovery) {
    out.content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    out.headers.emplace_back("vary", "Accept");
    out.body = encode_value(discovery_.aggregated(root == "api"), form);
    return out;
  }
  std::optional<json::object> answer;
  if (discovery_root) {
    answer = root == "api" ? discovery_.api_versions() : discovery_.group_list();
  } else if (root == "api" && parts.size() == 2) {
    answer = discovery_.resources("", std::string(parts[1]));
  } else if (root == "apis" && parts.size() == 2) {
    answer = discovery_.group(std::string(parts[1]));
  } else if (root == "apis" && parts.size() == 3) {
    answer = discovery_.resources(std::string(parts[1]), std::string(parts[2]));
  }
  if (!answer && root == "api") {
    kube::Status status;
    status.code = 404;
    status.reason = "NotFound";
    status.message = "the server could not find the requested resource";
    status.empty_details = true;
    return kube::make_error(ErrorKind::NotFound, std::move(status));
  }
  if (!answer) {
    return page_not_found();
  }
  out.content_type = content_type(form);
  out.body = encode_value(*answer, form);
  return out;
}

io::Task<Result<ApiResponse>> ObjectService::route(const ApiRequest& request) {
  auto info = kube::parse_request_info(request.method, request.target);
  if (!info.ok()) {
    co_return kube::bad_request(info.error().message());
  }
  if (options_.authorize) {
    CO_TRY_VOID(co_await options_.authorize(request.context, *info));
  }
  if (!info->is_resource) {
    co_return serve_document(request, *info);
  }
  co_return co_await serve_resource_request(request, std::move(*info));
}

}  // namespace roadstead::objects
