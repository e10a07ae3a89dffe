// SPDX-License-Identifier: Apache-2.0
// A Transport over HTTP: the requests that client-go makes, in JSON. Lives on the executor of its
// Exchanger.
#pragma once

#include <set>
#include <string>

#include "http/message.h"
#include "io/executor.h"
#include "kube/controller/transport.h"

namespace roadstead::kube {

// Where requests go, and as whom.
class Exchanger {
 public:
  virtual ~Exchanger() = default;
  // The exchange of a request whose head is on its way. `lasts`: a watch. The deadline is for
  // getting there. Errors as http::ClientPool::open.
  virtual io::Task<Result<http::ClientExchangePtr>> open(http::RequestHead head, bool end,
                                                         bool lasts, Deadline deadline) = 0;
};

struct RestOptions {
  std::string user_agent = "roadstead-hub";
  Duration connect_timeout = std::chrono::seconds(10);
  Duration call_timeout = std::chrono::seconds(60);
  std::size_t max_answer = 64u << 20;  // a page of a list
};

class RestTransport final : public Transport {
 public:
  RestTransport(io::Executor& executor, Exchanger& exchanger, RestOptions options = {})
      : executor_(executor), exchanger_(exchanger), options_(std::move(options)) {}

  io::Task<Result<ListPage>> list(ListRequest request) override;
  io::Task<Result<std::unique_ptr<WatchStream>>> watch(WatchRequest request) override;
  io::Task<Result<json::value>> get(Resource resource, ObjectKey key) override;
  io::Task<Result<json::value>> create(Resource resource, json::value object) override;
  io::Task<Result<json::value>> replace(Resource resource, json::value object,
                                        std::string subresource) override;
  io::Task<Result<json::value>> patch(Resource resource, ObjectKey key, json::value patch,
                                      std::string subresource) override;
  io::Task<Result<void>> remove(Resource resource, ObjectKey key, RemoveOptions options) override;
  void close() override;

 private:
  struct Request {
    std::string method;
    std::string target;
    std::string accept = "application/json";
    std::string content_type = "application/json";
    std::string body = {};
  };
  class Running;
  http::RequestHead head_of(const Request& request) const;
  io::Task<Result<std::string>> call(Request request);
  io::Task<Result<json::value>> call_json(Request request);

  io::Executor& executor_;
  Exchanger& exchanger_;
  RestOptions options_;
  std::set<http::ClientExchange*> running_;  // calls; watches are stopped by who reads them
  bool closed_ = false;
};

}  // namespace roadstead::kube
