// SPDX-License-Identifier: Apache-2.0
// Paths, queries, media types and statuses: what a request is about.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "kube/media_type.h"
#include "kube/names.h"
#include "kube/query.h"
#include "kube/request_info.h"
#include "kube/status.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* method : {"GET", "POST", "DELETE", "PUT", "PATCH", "HEAD"}) {
    const auto info = kube::parse_request_info(method, text);
    if (info.ok()) {
      CHECK(!info->verb.empty(), "a request has a verb");
      CHECK(info->is_resource || (info->resource.empty() && info->subresource.empty()), "of what");
      CHECK(!info->is_resource || !info->parts.empty(), "a resource has a name");
    }
  }
  const auto [path, query] = kube::split_target(text);
  CHECK(path.size() + query.size() <= text.size(), "parts of the whole");
  const kube::Query parsed = kube::Query::parse(query);
  (void)parsed.get_bool("watch");
  (void)parsed.all("labelSelector");
  if (const auto decoded = kube::percent_decode(text); decoded.ok()) {
    const auto again = kube::percent_decode(kube::percent_encode(*decoded));
    CHECK(again.ok() && *again == *decoded, "escapes read back");
  }
  (void)kube::parse_media_type(text);
  (void)kube::negotiate(text);
  (void)kube::negotiate(text, true);
  (void)kube::parse_status(403, text);
  (void)kube::check_dns1123_subdomain(text);
  (void)kube::check_dns1123_label(text);
  return 0;
}
