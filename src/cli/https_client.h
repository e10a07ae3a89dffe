// SPDX-License-Identifier: Apache-2.0
// HTTPS requests from a command, one at a time: each call runs the loop of the main thread until it
// is answered. The server is always verified. Connections are kept between calls.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/client_pool.h"
#include "io/blocking_pool.h"
#include "io/shard.h"
#include "net/proxy_connect.h"
#include "net/tls_context.h"

namespace roadstead::cli {

// The loop that all clients of a command share.
class Network {
 public:
  explicit Network(const Clock& clock) : shard_(clock), resolver_(1, 16) {}
  io::Shard& shard() { return shard_; }
  io::BlockingPool& resolver() { return resolver_; }
  void run(io::Task<void> task) { shard_.run_until_done(std::move(task)); }
  void sleep(Duration d);

  // Told when an answer takes more than two seconds; once for each call.
  std::function<void(const std::string& what)> on_slow;

 private:
  io::Shard shard_;
  io::BlockingPool resolver_;
};

struct HttpsTarget {
  net::HostPort address;
  std::string server_name;  // what the certificate must be for
  std::string base_path;    // before every path; "" or "/k8s/clusters/x"
  net::TlsClientOptions tls;
  Secret bearer_token;
  net::ProxySettings proxy;
};

struct HttpsResponse {
  int status = 0;
  http::Headers headers;
  std::string body;
};

struct HttpsRequest {
  std::string method = "GET";
  std::string path;  // with query
  std::string content_type;
  std::string accept = "application/json";
  std::string body;
  Duration timeout = std::chrono::seconds(30);
};

class HttpsClient {
 public:
  static constexpr std::size_t kMaxBody = 64u << 20;

  HttpsClient(Network& network, HttpsTarget target);
  ~HttpsClient();
  HttpsClient(const HttpsClient&) = delete;
  HttpsClient& operator=(const HttpsClient&) = delete;

  // Any status is a value. DeadlineExceeded after the time-out; other errors as those of dialling
  // and of the exchange.
  Result<HttpsResponse> call(HttpsRequest request);
  const HttpsTarget& target() const { return target_; }

 private:
  io::Task<void> perform(HttpsRequest request, Result<HttpsResponse>& out);
  io::Task<Result<HttpsResponse>> exchange(const HttpsRequest& request, Deadline deadline);
  io::Task<Result<net::StreamPtr>> dial(std::vector<std::string> alpn, Deadline deadline);

  Network& network_;
  HttpsTarget target_;
  std::string authority_;
  std::unique_ptr<http::ClientPool> pool_;
};

// "https://host:8443/path" to address, server name and base path; the error names the fix.
Result<HttpsTarget> parse_https_url(std::string_view url);

}  // namespace roadstead::cli
