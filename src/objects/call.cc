// SPDX-License-Identifier: Apache-2.0
#include "objects/call.h"

#include <charconv>

#include "codec/yaml.h"
#include "objects/service.h"

namespace roadstead::objects {
namespace {

Result<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return kube::bad_request("strconv.ParseInt: parsing " + kube::quote(text) + ": invalid syntax");
  }
  return out;
}

Result<bool> parse_dry_run(std::string_view group_kind,
                           const std::vector<std::string_view>& values) {
  bool dry = false;
  for (const std::string_view value : values) {
    if (value != "All") {
      json::array list;
      for (const std::string_view one : values) {
        list.push_back(json::value(one));
      }
      return kube::invalid("meta.k8s.io", group_kind, "",
                           {kube::not_supported("dryRun", json::value(list), {"All"})});
    }
    dry = true;
  }
  return dry;
}

std::string media_type_of(const Call& call) {
  return kube::parse_media_type(call.request.content_type).type;
}

Error unknown_body() {
  return kube::unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json, application/yaml");
}

}  // namespace

Result<ListOptions> list_options(const Call& call) {
  ListOptions out;
  out.namespace_ = call.info.namespace_;
  out.label_selector = call.query.get("labelSelector");
  out.field_selector = call.query.get("fieldSelector");
  out.continue_token = call.query.get("continue");
  out.resource_version = call.query.get("resourceVersion");
  out.resource_version_match = call.query.get("resourceVersionMatch");
  const std::string_view limit = call.query.get("limit");
  if (!limit.empty()) {
    TRY(out.limit, parse_count(limit));
  }
  return out;
}

Result<WriteOptions> write_options(const Call& call) {
  const std::string_view action = call.info.verb == "create"  ? "CreateOptions"
                                  : call.info.verb == "patch" ? "PatchOptions"
                                                              : "UpdateOptions";
  WriteOptions out;
  out.subresource = call.info.subresource;
  TRY(out.dry_run, parse_dry_run(action, call.query.all("dryRun")));
  const std::string_view validation = call.query.get("fieldValidation");
  if (validation == "Strict") {
    out.validation = FieldValidation::Strict;
  } else if (validation == "Ignore") {
    out.validation = FieldValidation::Ignore;
  } else if (!validation.empty() && validation != "Warn") {
    return kube::invalid("meta.k8s.io", action, "",
                         {kube::not_supported("fieldValidation", json::value(validation),
                                              {"", "Ignore", "Strict", "Warn"})});
  }
  return out;
}

Result<json::value> decode_body(const Call& call) {
  const std::string& body = call.request.body;
  const std::string type = media_type_of(call);
  if (type == "application/yaml") {
    auto documents = codec::parse_yaml(body);
    if (!documents.ok() || documents->size() != 1) {
      return kube::bad_request(documents.ok() ? "the request's body must be one YAML document"
                                              : "error converting YAML to JSON: " +
                                                    documents.error().message());
    }
    return std::move(documents->front());
  }
  if (type != "application/json" && !type.empty()) {
    return unknown_body();
  }
  auto parsed = codec::parse_json(body);
  if (!parsed.ok()) {
    return kube::bad_request(
        "the object provided is unrecognized (must be of type " + call.kind->kind +
        "): couldn't get version/kind; json parse error: " + parsed.error().message());
  }
  return std::move(*parsed);
}

Result<DeleteOptions> delete_options(const Call& call) {
  DeleteOptions out;
  std::vector<std::string_view> dry_run = call.query.all("dryRun");
  json::value body;
  if (!call.request.body.empty()) {
    TRY(body, decode_body(call));
    out.uid = codec::string_at(body, {"preconditions", "uid"});
    out.resource_version = codec::string_at(body, {"preconditions", "resourceVersion"});
    const json::value* list = codec::find(body, {"dryRun"});
    if (list != nullptr && list->is_array()) {
      for (const json::value& one : list->get_array()) {
        dry_run.push_back(one.is_string() ? std::string_view(one.get_string()) : "");
      }
    }
  }
  TRY(out.dry_run, parse_dry_run("DeleteOptions", dry_run));
  return out;
}

}  // namespace roadstead::objects
