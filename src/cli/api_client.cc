// SPDX-License-Identifier: Apache-2.0
#include "cli/api_client.h"

#include "kube/status.h"

namespace roadstead::cli {

Result<json::value> ApiClient::call(std::string method, std::string path, const json::value* body,
                                    std::string_view content_type, std::string_view accept) {
  HttpsRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.content_type = content_type;
  request.accept = accept;
  if (body != nullptr) {
    request.body = codec::write_json(*body);
  }
  TRY(const HttpsResponse response, client_.call(std::move(request)).with_context(name_));
  if (response.status < 200 || response.status > 299) {
    return kube::make_error(kube::kind_of_http_status(response.status),
                            kube::parse_status(response.status, response.body));
  }
  if (response.body.empty()) {
    return json::value(json::object());
  }
  codec::JsonLimits limits;
  limits.max_bytes = HttpsClient::kMaxBody;
  auto parsed = codec::parse_json(response.body, limits);
  if (!parsed.ok()) {
    return Error(ErrorKind::Upstream,
                 name_ + " answered something that is no JSON: " + parsed.error().message());
  }
  return parsed;
}

}  // namespace roadstead::cli
