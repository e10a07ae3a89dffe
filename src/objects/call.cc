// SPDX-License-Identifier: Apache-2.0
#include "objects/call.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "codec/yaml.h"
#include "objects/protobuf.h"
#include "objects/service.h"

namespace roadstead::objects {
namespace {

// Below zero is none.
Result<std::uint64_t> parse_count(std::string_view text) {
  std::int64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    const bool range = read.ec == std::errc::result_out_of_range;
    return kube::bad_request("strconv.ParseInt: parsing " + kube::quote(text) +
                             (range ? ": value out of range" : ": invalid syntax"));
  }
  return static_cast<std::uint64_t>(std::max<std::int64_t>(out, 0));
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
  out.send_initial_events = call.query.get_bool("sendInitialEvents");
  const std::string_view limit = call.query.get("limit");
  if (!limit.empty()) {
    TRY(out.limit, parse_count(limit));
  }
  return out;
}

namespace {

constexpr std::size_t kMaxManager = 128;

// The part of the user agent before the version.
std::string manager_of_agent(std::string_view agent) {
  std::string out;
  for (const char c : agent.substr(0, agent.find('/'))) {
    const bool printable = static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    if (out.size() == kMaxManager) {
      break;
    }
    if (printable) {
      out += c;
    }
  }
  return out;
}

// "U+0001"
std::string unicode_name(char c) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return std::string("U+00") + kDigits[byte >> 4] + kDigits[byte & 15];
}

Result<void> read_manager(const Call& call, std::string_view action, WriteOptions& out) {
  const bool applies = is_apply(call.request);
  kube::FieldErrors errors;
  out.field_manager = call.query.get("fieldManager");
  out.force = call.query.get_bool("force");
  if (applies && out.field_manager.empty()) {
    errors.push_back(kube::required("fieldManager", "is required for apply patch"));
  }
  if (action == "PatchOptions" && !applies && call.query.find("force")) {
    errors.push_back(kube::forbidden("force", "may not be specified for non-apply patch"));
  }
  if (out.field_manager.size() > kMaxManager) {
    errors.push_back(kube::too_long("fieldManager", static_cast<std::int64_t>(kMaxManager)));
  }
  for (const char& c : out.field_manager) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      errors.push_back(kube::invalid("fieldManager", json::value(out.field_manager),
                                     "invalid character " + unicode_name(c) + " (at position " +
                                         std::to_string(&c - out.field_manager.data()) + ")"));
    }
  }
  if (!errors.empty()) {
    return kube::invalid("meta.k8s.io", action, "", errors);
  }
  if (out.field_manager.empty()) {
    out.field_manager = manager_of_agent(call.request.user_agent);
  }
  return {};
}

}  // namespace

bool is_apply(const ApiRequest& request) {
  return kube::parse_media_type(request.content_type).type == "application/apply-patch+yaml";
}

Result<WriteOptions> write_options(const Call& call) {
  const std::string_view action = call.info.verb == "create"  ? "CreateOptions"
                                  : call.info.verb == "patch" ? "PatchOptions"
                                                              : "UpdateOptions";
  WriteOptions out;
  out.subresource = call.info.subresource;
  TRY_VOID(read_manager(call, action, out));
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
    plain_numbers(documents->front());
    return std::move(documents->front());
  }
  if (type == kProtobuf && call.kind->native) {
    auto read = from_protobuf(body);
    return read.ok() ? std::move(read) : kube::bad_request(read.error().message());
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
  plain_numbers(*parsed);
  return std::move(*parsed);
}

namespace {

Error wrong_delete_field(std::string_view is, std::string_view name, std::string_view type) {
  return kube::bad_request("json: cannot unmarshal " + std::string(is) +
                           " into Go struct field DeleteOptions." + std::string(name) +
                           " of type " + std::string(type));
}

Result<json::value> decode_delete_options(const Call& call) {
  const std::string type = media_type_of(call);
  json::value body;
  if (type == "application/yaml" || type == kProtobuf) {
    TRY(body, decode_body(call));
  } else {
    if (type != "application/json" && !type.empty()) {
      return unknown_body();
    }
    auto parsed = codec::parse_json(call.request.body);
    if (!parsed.ok() || !parsed->is_object()) {
      return kube::bad_request("couldn't get version/kind; json parse error: " +
                               (parsed.ok() ? "not an object" : parsed.error().message()));
    }
    body = std::move(*parsed);
  }
  const std::string_view kind = codec::string_at(body, {"kind"});
  if (!kind.empty() && kind != "DeleteOptions") {
    return kube::bad_request("no kind " + kube::quote(kind) + " is registered for version " +
                             kube::quote(codec::string_at(body, {"apiVersion"})) +
                             " in scheme \"pkg/runtime/scheme.go:111\"");
  }
  const json::value* grace = codec::find(body, {"gracePeriodSeconds"});
  if (grace != nullptr && !grace->is_int64() && !grace->is_null()) {
    return wrong_delete_field(grace->is_string() ? "string" : "value", "gracePeriodSeconds",
                              "int64");
  }
  return body;
}

Result<void> read_propagation(std::optional<std::string> policy, std::optional<bool> orphan,
                              DeleteOptions& out) {
  kube::FieldErrors errors;
  if (policy && orphan) {
    errors.push_back(kube::invalid("propagationPolicy", json::value(*policy),
                                   "orphanDependents and deletionPropagation cannot be both set"));
  }
  if (policy == "Foreground") {
    out.propagation = Propagation::Foreground;
  } else if (policy == "Background" || orphan == false) {
    out.propagation = Propagation::Background;
  } else if (policy == "Orphan" || orphan == true) {
    out.propagation = Propagation::Orphan;
  } else if (policy) {
    errors.push_back(kube::not_supported("propagationPolicy", json::value(*policy),
                                         {"Foreground", "Background", "Orphan", "nil"}));
  }
  return errors.empty() ? Result<void>()
                        : kube::invalid("meta.k8s.io", "DeleteOptions", "", errors);
}

}  // namespace

Result<DeleteOptions> delete_options(const Call& call) {
  DeleteOptions out;
  std::vector<std::string_view> dry_run;
  std::optional<std::string> policy;
  std::optional<bool> orphan;
  json::value body;
  if (!call.request.body.empty()) {
    TRY(body, decode_delete_options(call));
    out.uid = codec::string_at(body, {"preconditions", "uid"});
    out.resource_version = codec::string_at(body, {"preconditions", "resourceVersion"});
    const json::value* list = codec::find(body, {"dryRun"});
    if (list != nullptr && list->is_array()) {
      for (const json::value& one : list->get_array()) {
        dry_run.push_back(one.is_string() ? std::string_view(one.get_string()) : "");
      }
    }
    if (const json::value* value = codec::find(body, {"propagationPolicy"});
        value != nullptr && value->is_string()) {
      policy = std::string(value->get_string());
    }
    if (const json::value* value = codec::find(body, {"orphanDependents"});
        value != nullptr && value->is_bool()) {
      orphan = value->get_bool();
    }
  } else {
    dry_run = call.query.all("dryRun");
    if (call.query.find("propagationPolicy")) {
      policy = std::string(call.query.get("propagationPolicy"));
    }
    if (call.query.find("orphanDependents")) {
      orphan = call.query.get_bool("orphanDependents");
    }
  }
  TRY_VOID(read_propagation(std::move(policy), orphan, out));
  TRY(out.dry_run, parse_dry_run("DeleteOptions", dry_run));
  return out;
}

}  // namespace roadstead::objects
