// SPDX-License-Identifier: Apache-2.0
#include "api/image_registry.h"

#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "codec/json.h"
#include "kube/query.h"

namespace roadstead::api {
namespace {

namespace json = codec::json;
using Reply = ImageRegistry::Reply;

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMostTags = 1000;

// The error body of the distribution specification.
Reply refuse(int status, std::string_view code, const std::string& message) {
  Reply reply;
  reply.status = status;
  reply.headers.add("content-type", "application/json");
  reply.text = codec::write_json(
      json::object{{"errors", json::array{{{"code", code}, {"message", message}}}}});
  return reply;
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

struct Range {
  std::size_t first;
  std::size_t length;
};

// RFC 9110 section 14.1.2. Several ranges, other units and broken ones are ignored (nullopt), as
// that section allows; length 0 stands for one that cannot be satisfied.
std::optional<Range> read_range(std::string_view text, std::size_t size) {
  if (!text.starts_with("bytes=") || text.find(',') != std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view from = ascii::trim(text.substr(0, dash));
  const std::string_view to = ascii::trim(text.substr(dash + 1));
  if (from.empty()) {
    const auto suffix = number(to);
    if (!suffix.has_value()) {
      return std::nullopt;
    }
    const std::size_t length = std::min(*suffix, size);
    return Range{size - length, length};
  }
  const auto first = number(from);
  const auto last = to.empty() ? std::optional<std::size_t>(size) : number(to);
  if (!first.has_value() || !last.has_value() || (!to.empty() && *last < *first)) {
    return std::nullopt;
  }
  if (*first >= size) {
    return Range{0, 0};
  }
  return Range{*first, std::min(*last, size - 1) - *first + 1};
}

}  // namespace

bool ImageRegistry::serves(std::string_view target) {
  const std::string_view path = kube::split_target(target).first;
  return path == "/v2" || path.starts_with("/v2/");
}

const registry::Blob* ImageRegistry::find(std::string_view digest) const {
  for (const auto& [tag, image] : images_) {
    const auto found = image.blobs().find(digest);
    if (found != image.blobs().end()) {
      return &found->second;
    }
  }
  return nullptr;
}

Reply ImageRegistry::manifest(std::string_view reference) const {
  const auto tagged = images_.find(reference);
  const std::string digest =
      tagged != images_.end() ? tagged->second.digest() : std::string(reference);
  const registry::Blob* found = find(digest);
  if (found == nullptr || (found->media_type != registry::kOciIndexType &&
                           found->media_type != registry::kOciManifestType)) {
    std::string known;
    for (const auto& [tag, image] : images_) {
      known += (known.empty() ? "" : ", ") + tag;
    }
    return refuse(404, "MANIFEST_UNKNOWN",
                  "this hub has no such image; it has the Agent of version " + known);
  }
  Reply reply;
  reply.headers.add("content-type", found->media_type);
  reply.headers.add("docker-content-digest", digest);
  reply.headers.add("etag", '"' + digest + '"');
  reply.blob = found->bytes();
  reply.source = found;
  return reply;
}

Reply ImageRegistry::blob(std::string_view digest, const http::RequestHead& request) const {
  const registry::Blob* found = find(digest);
  if (found == nullptr) {
    return refuse(404, "BLOB_UNKNOWN", "this hub has no such blob");
  }
  Reply reply;
  reply.headers.add("content-type", "application/octet-stream");
  reply.headers.add("docker-content-digest", std::string(digest));
  reply.headers.add("etag", '"' + std::string(digest) + '"');
  reply.headers.add("cache-control", "public, max-age=31536000, immutable");
  reply.headers.add("accept-ranges", "bytes");
  reply.blob = found->bytes();
  reply.source = found;
  const std::string* wanted = request.headers.find("range");
  const auto range =
      wanted != nullptr ? read_range(*wanted, found->bytes().size()) : std::optional<Range>();
  if (!range.has_value()) {
    return reply;
  }
  const std::string size = std::to_string(found->bytes().size());
  if (range->length == 0) {
    Reply refused = refuse(416, "RANGE_INVALID", "the blob has " + size + " bytes");
    refused.headers.add("content-range", "bytes */" + size);
    return refused;
  }
  reply.status = 206;
  reply.headers.add("content-range", "bytes " + std::to_string(range->first) + '-' +
                                         std::to_string(range->first + range->length - 1) + '/' +
                                         size);
  reply.blob = reply.blob.substr(range->first, range->length);
  return reply;
}

Reply ImageRegistry::tags(std::string_view query_text) const {
  const kube::Query query = kube::Query::parse(query_text);
  const auto limit = number(query.get("n")).value_or(kMostTags);
  const std::string_view after = query.get("last");
  json::array names;
  bool more = false;
  for (const auto& [tag, image] : images_) {
    if (tag <= after) {
      continue;
    }
    more = names.size() >= limit;
    if (more) {
      break;
    }
    names.emplace_back(tag);
  }
  Reply reply;
  reply.headers.add("content-type", "application/json");
  if (more && !names.empty()) {
    reply.headers.add(
        "link", "</v2/" + std::string(kRepository) + "/tags/list?n=" + std::to_string(limit) +
                    "&last=" + kube::percent_encode(names.back().as_string()) + ">; rel=\"next\"");
  }
  reply.text = codec::write_json(json::object{{"name", kRepository}, {"tags", std::move(names)}});
  return reply;
}

Reply ImageRegistry::answer(const http::RequestHead& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    Reply refused = refuse(405, "UNSUPPORTED", "this registry is read-only");
    refused.headers.add("allow", "GET, HEAD");
    return refused;
  }
  const auto [path, query] = kube::split_target(request.target);
  if (path == "/v2" || path == "/v2/") {
    Reply reply;
    reply.headers.add("content-type", "application/json");
    reply.text = "{}";
    return reply;
  }
  const std::string base = "/v2/" + std::string(kRepository) + '/';
  if (!path.starts_with(base)) {
    return refuse(404, "NAME_UNKNOWN",
                  "this registry has one repository, " + std::string(kRepository));
  }
  const std::string_view rest = path.substr(base.size());
  if (rest.starts_with("manifests/")) {
    return manifest(rest.substr(10));
  }
  if (rest.starts_with("blobs/")) {
    return blob(rest.substr(6), request);
  }
  if (rest == "tags/list") {
    return tags(query);
  }
  return refuse(404, "UNSUPPORTED", "this registry serves manifests, blobs and tags/list");
}

io::Task<void> ImageRegistry::handle(http::ServerExchange& exchange) {
  exchange.stop_reading();
  Reply reply = answer(exchange.request());
  reply.headers.add("docker-distribution-api-version", "registry/2.0");
  reply.headers.add("content-length", std::to_string(reply.body().size()));
  const bool end = exchange.request().method == "HEAD" || reply.body().empty();
  Result<void> sent = co_await exchange.respond({reply.status, std::move(reply.headers)}, end);
  std::string_view body = reply.body();
  while (sent.ok() && !end && !body.empty()) {
    sent = co_await exchange.write(body.substr(0, kPiece));
    body.remove_prefix(std::min(kPiece, body.size()));
  }
  if (reply.source != nullptr && reply.source->file != nullptr) {
    reply.source->file->forget();
  }
  // What fails here is the client's connection: nobody is left to be told.
  if (sent.ok() && !end) {
    sent = co_await exchange.finish();
  }
}

}  // namespace roadstead::api
