// SPDX-License-Identifier: Apache-2.0
#include "tunnel/protocol.h"

namespace roadstead::tunnel {
namespace {

namespace json = codec::json;

std::string text(const json::object& message, std::string_view name, std::size_t limit = 256) {
  const json::value* v = message.if_contains(name);
  if (v == nullptr || !v->is_string() || v->get_string().size() > limit) {
    return {};
  }
  return std::string(v->get_string());
}

std::int64_t number(const json::object& message, std::string_view name) {
  const json::value* v = message.if_contains(name);
  return v != nullptr && v->is_int64() ? v->get_int64() : 0;
}

}  // namespace

std::string frame_message(const json::object& message) {
  const std::string body = codec::write_json(message);
  const auto n = static_cast<std::uint32_t>(body.size());
  std::string out;
  out.reserve(body.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((n >> shift) & 0xff));
  }
  return out.append(body);
}

Result<std::vector<json::object>> MessageReader::feed(std::string_view bytes) {
  buffer_.append(bytes);
  std::vector<json::object> messages;
  std::size_t at = 0;
  while (buffer_.size() - at >= 4) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      n = (n << 8) | static_cast<unsigned char>(buffer_[at + i]);
    }
    if (n > kMaxMessageBytes) {
      return Error(ErrorKind::Protocol, "control message is longer than 256 KiB");
    }
    if (buffer_.size() - at - 4 < n) {
      break;
    }
    TRY(json::value value, codec::parse_json(std::string_view(buffer_).substr(at + 4, n)));
    if (!value.is_object() || message_type(value.get_object()).empty()) {
      return Error(ErrorKind::Protocol, "control message is not an object with a type");
    }
    messages.push_back(std::move(value.get_object()));
    at += 4 + n;
  }
  buffer_.erase(0, at);
  return messages;
}

std::string_view message_type(const json::object& message) {
  const json::value* v = message.if_contains("type");
  return v != nullptr && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

json::object Hello::to_json() const {
  json::array words;
  for (const std::string& c : capabilities) {
    words.emplace_back(c);
  }
  return {{"type", "hello"},
          {"version", static_cast<std::int64_t>(version)},
          {"capabilities", std::move(words)},
          {"software", software},
          {"replica", replica},
          {"lanePurpose", lane_purpose},
          {"apiServerCAFingerprint", api_server_ca_fingerprint},
          {"kubernetesVersion", kubernetes_version},
          {"clusterUID", cluster_uid},
          {"platform", platform},
          {"cluster", cluster},
          {"hubInstance", hub_instance},
          {"wallMilliseconds", wall_milliseconds}};
}

Result<Hello> Hello::from_json(const json::object& message) {
  Hello hello;
  const std::int64_t version = number(message, "version");
  if (message_type(message) != "hello" || version < 1 || version > 1'000'000) {
    return Error(ErrorKind::Protocol, "the first control message is not a hello");
  }
  hello.version = static_cast<std::uint32_t>(version);
  if (const json::value* words = message.if_contains("capabilities");
      words != nullptr && words->is_array()) {
    for (const json::value& w : words->get_array()) {
      if (w.is_string() && hello.capabilities.size() < 64) {
        hello.capabilities.emplace_back(w.get_string());
      }
    }
  }
  hello.software = text(message, "software");
  hello.replica = text(message, "replica");
  hello.lane_purpose = text(message, "lanePurpose");
  hello.api_server_ca_fingerprint = text(message, "apiServerCAFingerprint");
  hello.kubernetes_version = text(message, "kubernetesVersion");
  hello.cluster_uid = text(message, "clusterUID");
  hello.platform = text(message, "platform");
  hello.cluster = text(message, "cluster");
  hello.hub_instance = text(message, "hubInstance");
  hello.wall_milliseconds = number(message, "wallMilliseconds");
  return hello;
}

json::object ApiServerReport::to_json() const {
  return {{"type", "apiserver"},
          {"reachable", reachable},
          {"version", version},
          {"message", message},
          {"ageMilliseconds", age_milliseconds},
          {"clusterUID", cluster_uid}};
}

Result<ApiServerReport> ApiServerReport::from_json(const json::object& message) {
  ApiServerReport report;
  const json::value* reachable = message.if_contains("reachable");
  if (reachable == nullptr || !reachable->is_bool()) {
    return Error(ErrorKind::Protocol, "apiserver report without \"reachable\"");
  }
  report.reachable = reachable->get_bool();
  report.version = text(message, "version");
  report.message = text(message, "message", 4096);
  report.age_milliseconds = number(message, "ageMilliseconds");
  report.cluster_uid = text(message, "clusterUID");
  return report;
}

}  // namespace roadstead::tunnel
