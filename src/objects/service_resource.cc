// SPDX-License-Identifier: Apache-2.0
// The requests for resources: one function for each verb.
#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "codec/yaml.h"
#include "objects/namespaces.h"
#include "objects/service.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kStrategicPatch = "application/strategic-merge-patch+json";

bool known_patch_type(const Kind& kind, const ApiRequest& request) {
  const std::string type = kube::parse_media_type(request.content_type).type;
  return type == "application/json-patch+json" || type == "application/merge-patch+json" ||
         is_apply(request) || (kind.native && type == kStrategicPatch);
}

// What the API server says of a request that none of its own kinds takes.
Error native_error(int code) {
  kube::Status status;
  status.code = code;
  status.empty_details = true;
  ErrorKind kind = ErrorKind::Unsupported;
  if (code == 404) {
    kind = ErrorKind::NotFound;
    status.reason = "NotFound";
    status.message = "the server could not find the requested resource";
  } else if (code == 405) {
    status.reason = "MethodNotAllowed";
    status.message = "the server does not allow this method on the requested resource";
  } else {
    status.reason = "UnsupportedMediaType";
    status.message = "415: Unsupported Media Type";
  }
  return kube::make_error(kind, std::move(status));
}

Error unknown_patch_type(const Kind& kind) {
  if (kind.native) {
    return native_error(415);
  }
  return kube::unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
}

PatchType patch_type(const ApiRequest& request) {
  const std::string type = kube::parse_media_type(request.content_type).type;
  if (type == kStrategicPatch) {
    return PatchType::Strategic;
  }
  return type == "application/merge-patch+json" ? PatchType::Merge : PatchType::Json;
}

kube::ObjectKey key_of(const Call& call) { return {call.info.namespace_, call.info.name}; }

Result<json::value> decode_patch(const Call& call, PatchType /*type*/) {
  auto patch = codec::parse_json(call.request.body);
  if (!patch.ok()) {
    return kube::bad_request("error decoding patch: " + patch.error().message());
  }
  plain_numbers(*patch);
  return std::move(*patch);
}

void add_warnings(ApiResponse& response, const std::vector<std::string>& warnings) {
  constexpr std::size_t kMaxWarnings = 100;
  for (const std::string& warning : warnings) {
    if (response.headers.size() < kMaxWarnings) {
      response.headers.emplace_back("warning", "299 - " + kube::quote(warning));
    }
  }
}

Result<Encoding> negotiate_encoding(const ApiRequest& request, const kube::Query& query) {
  Encoding out;
  TRY(out.form, kube::negotiate(request.accept));
  const auto pretty = query.find("pretty");
  if (pretty) {
    out.form.pretty = query.get_bool("pretty");
  }
  const std::string_view include = query.get("includeObject");
  if (include == "None") {
    out.table.include = IncludeObject::None;
  } else if (include == "Object") {
    out.table.include = IncludeObject::Object;
  } else if (!include.empty() && include != "Metadata") {
    const bool table = out.form.representation == kube::Representation::Table;
    if (table) {
      return kube::bad_request(
          "Unable to convert to Table as requested: includeObject: Invalid value: " +
          kube::quote(include) + ": must be 'Metadata', 'Object', 'None', or empty");
    }
  }
  out.table.version = out.form.version;
  return out;
}

}  // namespace

Result<ApiResponse> ObjectService::failure(const Call& call, Error error,
                                           const std::vector<std::string>& warnings) {
  if (warnings.empty()) {
    return error;
  }
  ApiResponse out = error_response(error, call.request.accept);
  add_warnings(out, warnings);
  return out;
}

ApiResponse ObjectService::object_response(const Call& call, const ObjectPtr& object,
                                           int status) const {
  ApiResponse out;
  out.status = status;
  out.content_type = content_type(call.encoding.form);
  out.body = encode_object(*call.kind, object, call.encoding, api_.clock().wall());
  return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_resource_request(const ApiRequest& request,
                                                                    kube::RequestInfo info) {
  Call call{request,
            std::move(info),
            kube::Query::parse(kube::split_target(request.target).second),
            nullptr,
            {}};
  call.kind = api_.kinds().find(call.info.group, call.info.version, call.info.resource);
  if (call.kind != nullptr && call.kind->native) {
    call.info.namespace_.clear();  // a namespace is not in itself
  }
  // Across namespaces there are only lists and watches.
  const bool across =
      call.kind != nullptr && call.kind->namespaced && call.info.namespace_.empty() &&
      (call.info.parts.size() >= 2 || (call.info.verb != "list" && call.info.verb != "watch"));
  if (call.info.api_prefix == "api" && call.kind == nullptr) {
    co_return native_error(404);
  }
  if (call.kind == nullptr || call.kind->native != (call.info.api_prefix == "api") || across ||
      (!call.info.namespace_.empty() && !call.kind->namespaced)) {
    ApiResponse missing;
    missing.status = 404;
    missing.content_type = "text/plain; charset=utf-8";
    missing.headers.emplace_back("x-content-type-options", "nosniff");
    missing.body = "404 page not found\n";
    co_return missing;
  }
  const Kind& kind = *call.kind;
  CO_TRY(call.encoding, negotiate_encoding(request, call.query));
  const std::string& sub = call.info.subresource;
  if (Subresource* custom = sub.empty() ? nullptr : api_.find_subresource(kind, sub)) {
    co_return co_await serve_subresource(call, *custom);
  }
  if (sub == "scale" && kind.scale) {
    co_return co_await serve_scale(call);
  }
  const bool finalizes = kind.native && sub == kFinalizeSubresource;
  if (!sub.empty() && !finalizes && !(sub == "status" && kind.has_status)) {
    co_return kind.native ? native_error(404) : kube::not_found(kind.resource(), call.info.name);
  }
  const std::string& verb = call.info.verb;
  // A list may carry a name from its field selector; only the path makes it one object.
  const bool named = call.info.parts.size() >= 2;
  const bool misplaced =
      (verb == "create") == named || verb == "deletecollection" || (finalizes && verb != "update");
  const bool reads = verb == "list" || verb == "watch";
  if (kind.native && misplaced && !reads) {
    co_return native_error(405);
  }
  if (verb == "get") {
    co_return co_await serve_get(call);
  }
  if (verb == "list") {
    co_return co_await serve_list(call);
  }
  if (verb == "watch") {
    co_return co_await serve_watch(call);
  }
  if (verb == "create" && sub.empty()) {
    co_return co_await serve_create(call);
  }
  if (verb == "patch" && !known_patch_type(kind, request)) {
    co_return unknown_patch_type(kind);
  }
  if ((verb == "update" || verb == "patch") && !named) {
    co_return kube::bad_request("name must be provided");
  }
  if (verb == "update") {
    co_return co_await serve_update(call);
  }
  if (verb == "patch") {
    co_return co_await serve_patch(call);
  }
  if (verb == "delete" && sub.empty()) {
    co_return co_await serve_delete(call);
  }
  if (verb == "deletecollection") {
    co_return co_await serve_delete_collection(call);
  }
  co_return kube::method_not_allowed(kind.resource(), verb);
}

io::Task<Result<ApiResponse>> ObjectService::serve_subresource(const Call& call,
                                                               Subresource& subresource) {
  const std::vector<std::string> verbs = subresource.verbs();
  if (std::find(verbs.begin(), verbs.end(), call.info.verb) == verbs.end()) {
    co_return kube::method_not_allowed(
        {call.kind->group, call.kind->plural + "/" + call.info.subresource}, call.info.verb);
  }
  CO_TRY(const ObjectPtr object, co_await api_.get(*call.kind, key_of(call)));
  const json::value parent = object->parse();
  SubresourceRequest request{call.request.context, call.info.verb,
                             std::string(kube::split_target(call.request.target).second), parent,
                             nullptr};
  if (!call.request.body.empty()) {
    CO_TRY(request.body, decode_body(call));
  }
  CO_TRY(const json::value answer, co_await subresource.serve(std::move(request)));
  ApiResponse out;
  out.status = call.info.verb == "create" ? 201 : 200;
  out.content_type = content_type(call.encoding.form);
  out.body = encode_value(answer, call.encoding.form);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_scale(const Call& call) {
  const std::string& verb = call.info.verb;
  json::value answer;
  if (verb == "get") {
    CO_TRY(answer, co_await api_.get_scale(*call.kind, key_of(call)));
  } else if (verb == "update" || verb == "patch") {
    CO_TRY(WriteOptions options, write_options(call));
    std::optional<PatchType> patch;
    json::value body;
    if (verb == "update") {
      CO_TRY(body, decode_body(call));
    } else {
      if (!known_patch_type(*call.kind, call.request) || is_apply(call.request)) {
        co_return unknown_patch_type(*call.kind);
      }
      patch = patch_type(call.request);
      CO_TRY(body, decode_patch(call, *patch));
    }
    CO_TRY(answer, co_await api_.change_scale(call.request.context, *call.kind, key_of(call), patch,
                                              std::move(body), std::move(options)));
  } else {
    co_return kube::method_not_allowed(call.kind->resource(), verb);
  }
  ApiResponse out;
  out.content_type = content_type(call.encoding.form);
  out.body = encode_value(answer, call.encoding.form);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_get(const Call& call) {
  if (call.encoding.form.representation == kube::Representation::PartialObjectList) {
    co_return kube::server_error("content is not a list");
  }
  CO_TRY(const ObjectPtr object, co_await api_.get(*call.kind, key_of(call),
                                                   std::string(call.query.get("resourceVersion"))));
  co_return object_response(call, object, 200);
}

io::Task<Result<ApiResponse>> ObjectService::serve_list(const Call& call) {
  CO_TRY(ListOptions options, list_options(call));
  if (call.encoding.form.representation == kube::Representation::PartialObject) {
    co_return kube::not_acceptable(
        "you requested PartialObjectMetadata, but the requested object is a list "
        "(*unstructured.UnstructuredList)");
  }
  CO_TRY(Listed listed, co_await api_.list(*call.kind, std::move(options)));
  ApiResponse out;
  out.content_type = content_type(call.encoding.form);
  const ListMeta meta{listed.revision, listed.continue_token, listed.remaining};
  constexpr std::size_t kLong = 50;
  if (listed.objects.size() >= kLong && is_plain(call.encoding) && !call.kind->native) {
    out.list.emplace(*call.kind, std::move(listed.objects), meta);
    co_return out;
  }
  out.body = encode_list(*call.kind, listed.objects, meta, call.encoding, api_.clock().wall());
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_watch(const Call& call) {
  if (call.encoding.form.yaml) {
    co_return kube::not_acceptable(
        "only the following media types are accepted: application/json;stream=watch");
  }
  WatchOptions options;
  options.namespace_ = call.info.namespace_;
  if (call.info.parts.size() >= 2) {
    options.name = call.info.name;
  }
  options.label_selector = call.query.get("labelSelector");
  options.field_selector = call.query.get("fieldSelector");
  options.resource_version = call.query.get("resourceVersion");
  options.resource_version_match = call.query.get("resourceVersionMatch");
  options.continue_token = call.query.get("continue");
  if (call.query.find("sendInitialEvents")) {
    options.send_initial_events = call.query.get_bool("sendInitialEvents");
  }
  options.allow_bookmarks = call.query.get_bool("allowWatchBookmarks");
  const std::string_view timeout = call.query.get("timeoutSeconds");
  std::int64_t seconds = 0;
  const auto read = std::from_chars(timeout.data(), timeout.data() + timeout.size(), seconds);
  const bool whole = read.ec == std::errc() && read.ptr == timeout.data() + timeout.size();
  if (!timeout.empty() && !whole) {
    co_return kube::bad_request("strconv.ParseInt: parsing " + kube::quote(timeout) +
                                ": invalid syntax");
  }
  constexpr std::int64_t kLongest = 1'000'000;
  seconds = std::clamp<std::int64_t>(seconds, 0, kLongest);
  options.timeout = std::chrono::seconds(seconds);
  CO_TRY(auto watch, co_await Watch::open(api_, *call.kind, std::move(options)));
  ApiResponse out;
  out.content_type = "application/json";
  Encoding encoding = call.encoding;
  encoding.form.pretty = false;
  encoding.form.yaml = false;
  out.watch =
      std::make_unique<WatchStream>(std::move(watch), *call.kind, std::move(encoding), api_);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_create(const Call& call) {
  CO_TRY(WriteOptions options, write_options(call));
  CO_TRY(json::value object, decode_body(call));
  std::vector<std::string> told;
  options.told = &told;
  auto written = co_await api_.create(call.request.context, *call.kind, call.info.namespace_,
                                      std::move(object), std::move(options));
  if (!written.ok()) {
    co_return failure(call, std::move(written).error(), told);
  }
  ApiResponse out = object_response(call, written->object, 201);
  add_warnings(out, written->warnings);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_update(const Call& call) {
  CO_TRY(WriteOptions options, write_options(call));
  CO_TRY(json::value object, decode_body(call));
  std::vector<std::string> told;
  options.told = &told;
  auto written = co_await api_.update(call.request.context, *call.kind, key_of(call),
                                      std::move(object), std::move(options));
  if (!written.ok()) {
    co_return failure(call, std::move(written).error(), told);
  }
  ApiResponse out = object_response(call, written->object, 200);
  add_warnings(out, written->warnings);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_patch(const Call& call) {
  if (is_apply(call.request)) {
    co_return co_await serve_apply(call);
  }
  CO_TRY(WriteOptions options, write_options(call));
  const PatchType kind_of_patch = patch_type(call.request);
  auto decoded = decode_patch(call, kind_of_patch);
  if (!decoded.ok()) {
    CO_TRY_VOID(co_await api_.get(*call.kind, key_of(call)));  // what is not there is told first
    co_return std::move(decoded).error();
  }
  json::value patch = std::move(*decoded);
  std::vector<std::string> told;
  options.told = &told;
  auto written = co_await api_.patch(call.request.context, *call.kind, key_of(call), kind_of_patch,
                                     std::move(patch), std::move(options));
  if (!written.ok()) {
    co_return failure(call, std::move(written).error(), told);
  }
  ApiResponse out = object_response(call, written->object, 200);
  add_warnings(out, written->warnings);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_apply(const Call& call) {
  CO_TRY(WriteOptions options, write_options(call));
  auto documents = codec::parse_yaml(call.request.body);
  if (documents.ok() && (documents->empty() || documents->front().is_null())) {
    documents->assign(1, json::object());
  }
  if (!documents.ok() || documents->size() != 1 || !documents->front().is_object()) {
    co_return kube::bad_request(
        "error decoding YAML: " +
        (documents.ok() ? std::string("it must be one object") : documents.error().message()));
  }
  plain_numbers(documents->front());
  CO_TRY(const Written written,
         co_await api_.apply(call.request.context, *call.kind, key_of(call),
                             std::move(documents->front()), std::move(options)));
  ApiResponse out = object_response(call, written.object, written.created ? 201 : 200);
  add_warnings(out, written.warnings);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_delete(const Call& call) {
  CO_TRY(DeleteOptions options, delete_options(call));
  CO_TRY(const Written written,
         co_await api_.remove(call.request.context, *call.kind, key_of(call), std::move(options)));
  if (!written.deleted || call.kind->native) {
    co_return object_response(call, written.object, 200);  // finalizers hold it, or it is shown
  }
  kube::Status status;
  status.code = 200;
  status.name = call.info.name;
  status.group = call.kind->group;
  status.kind = call.kind->plural;
  status.uid = kube::uid_of(written.object->parse());
  ApiResponse out;
  out.content_type = content_type(call.encoding.form);
  out.body = encode_value(kube::to_json(status), call.encoding.form);
  co_return out;
}

io::Task<Result<ApiResponse>> ObjectService::serve_delete_collection(const Call& call) {
  CO_TRY(DeleteOptions options, delete_options(call));
  CO_TRY(ListOptions selection, list_options(call));
  CO_TRY(const Listed listed,
         co_await api_.remove_collection(call.request.context, *call.kind, std::move(selection),
                                         std::move(options)));
  ApiResponse out;
  out.content_type = content_type(call.encoding.form);
  out.body = encode_list(*call.kind, listed.objects,
                         {listed.revision, listed.continue_token, listed.remaining}, call.encoding,
                         api_.clock().wall());
  co_return out;
}

}  // namespace roadstead::objects
