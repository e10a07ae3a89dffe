// SPDX-License-Identifier: Apache-2.0
#include "kube/rest/rest_transport.h"

#include "http/relay.h"
#include "io/sleep.h"
#include "kube/query.h"
#include "kube/rest/rest_watch.h"

namespace roadstead::kube {
namespace {

// How much later than asked for a server may end a watch.
constexpr Duration kWatchGrace = std::chrono::seconds(30);

std::string collection(const Resource& resource, const std::string& ns) {
  std::string path = (resource.group.empty() ? "/api/" : "/apis/") + resource.api_version();
  if (resource.namespaced && !ns.empty()) {
    path += "/namespaces/" + percent_encode(ns);
  }
  return path + "/" + resource.plural;
}

std::string path_of(const Resource& resource, const ObjectKey& key,
                    const std::string& subresource = "") {
  const std::string path = collection(resource, key.namespace_) + "/" + percent_encode(key.name);
  return subresource.empty() ? path : path + "/" + subresource;
}

class QueryWriter {
 public:
  void add(std::string_view name, const std::string& value) {
    if (!value.empty()) {
      text_ += (text_.empty() ? "?" : "&") + std::string(name) + "=" + percent_encode(value);
    }
  }
  void add(const Selection& selection) {
    add("labelSelector", selection.label_selector);
    add("fieldSelector", selection.field_selector);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string accept_of(const Selection& selection, std::string_view kind) {
  return selection.metadata_only
             ? "application/json;as=" + std::string(kind) + ";v=v1;g=meta.k8s.io"
             : "application/json";
}

std::string_view name_of(Propagation propagation) {
  switch (propagation) {
    case Propagation::Foreground:
      return "Foreground";
    case Propagation::Orphan:
      return "Orphan";
    case Propagation::Background:
      break;
  }
  return "Background";
}

// Items of a list leave out what the list says of all of them.
void complete(json::value& item, std::string_view api_version, std::string_view list_kind) {
  if (item.is_object() && !item.get_object().contains("kind") && list_kind.ends_with("List")) {
    item.get_object()["apiVersion"] = api_version;
    item.get_object()["kind"] = list_kind.substr(0, list_kind.size() - 4);
  }
}

io::Task<Result<std::string>> converse(http::ClientExchange& exchange, const std::string& body,
                                       std::size_t limit, int* status) {
  if (!body.empty()) {
    CO_TRY_VOID(co_await exchange.write(body));
    CO_TRY_VOID(co_await exchange.finish());
  }
  CO_TRY(const http::ResponseHead response, co_await exchange.response());
  *status = response.status;
  co_return co_await http::read_whole(exchange, limit);
}

}  // namespace

// Lets close() end a call.
class RestTransport::Running {
 public:
  Running(RestTransport& transport, http::ClientExchange& exchange)
      : transport_(transport), exchange_(exchange) {
    transport_.running_.insert(&exchange_);
  }
  ~Running() { transport_.running_.erase(&exchange_); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  RestTransport& transport_;
  http::ClientExchange& exchange_;
};

void RestTransport::close() {
  closed_ = true;
  for (http::ClientExchange* exchange : running_) {
    exchange->reset();
  }
}

http::RequestHead RestTransport::head_of(const Request& request) const {
  http::RequestHead head;
  head.method = request.method;
  head.target = request.target;
  head.headers.add("accept", request.accept);
  head.headers.add("user-agent", options_.user_agent);
  if (!request.body.empty()) {
    head.headers.add("content-type", request.content_type);
    head.headers.add("content-length", std::to_string(request.body.size()));
  }
  return head;
}

io::Task<Result<std::string>> RestTransport::call(Request request) {
  if (closed_) {
    co_return Error(ErrorKind::Cancelled, "closed");
  }
  const Deadline connect = Deadline::after(executor_.clock(), options_.connect_timeout);
  CO_TRY(const http::ClientExchangePtr exchange,
         co_await exchanger_.open(head_of(request), request.body.empty(), false, connect));
  const Running running(*this, *exchange);
  const io::DeadlineGuard guard(executor_,
                                Deadline::after(executor_.clock(), options_.call_timeout),
                                [&exchange] { exchange->reset(); });
  int status = 0;
  auto answer = co_await converse(*exchange, request.body, options_.max_answer, &status);
  if (!answer.ok() && guard.expired()) {
    co_return Error(ErrorKind::DeadlineExceeded, "the API server did not answer in time");
  }
  if (answer.ok() && (status < 200 || status > 299)) {
    co_return error_of_answer(status, *answer);
  }
  co_return answer;
}

io::Task<Result<json::value>> RestTransport::call_json(Request request) {
  CO_TRY(const std::string text, co_await call(std::move(request)));
  co_return codec::parse_json(text, {.max_bytes = options_.max_answer});
}

io::Task<Result<ListPage>> RestTransport::list(ListRequest request) {
  QueryWriter query;
  query.add(request.selection);
  query.add("limit", request.limit == 0 ? "" : std::to_string(request.limit));
  query.add("continue", request.continue_token);
  CO_TRY(json::value answer,
         co_await call_json(
             {"GET", collection(request.resource, request.selection.namespace_) + query.text(),
              accept_of(request.selection, "PartialObjectMetadataList")}));
  ListPage page;
  page.resource_version = codec::string_at(answer, {"metadata", "resourceVersion"});
  page.continue_token = codec::string_at(answer, {"metadata", "continue"});
  const std::string api_version(codec::string_at(answer, {"apiVersion"}));
  const std::string kind(codec::string_at(answer, {"kind"}));
  json::value* items = answer.is_object() ? answer.get_object().if_contains("items") : nullptr;
  if (items != nullptr && items->is_array()) {
    for (json::value& item : items->get_array()) {
      complete(item, api_version, kind);
      if (request.selection.metadata_only) {
        keep_metadata(item);
      }
      page.items.push_back(std::move(item));
    }
  }
  co_return page;
}

io::Task<Result<std::unique_ptr<WatchStream>>> RestTransport::watch(WatchRequest request) {
  if (closed_) {
    co_return Error(ErrorKind::Cancelled, "closed");
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(request.timeout).count();
  QueryWriter query;
  query.add("watch", "true");
  query.add("allowWatchBookmarks", "true");
  query.add("resourceVersion", request.resource_version);
  query.add("timeoutSeconds", seconds > 0 ? std::to_string(seconds) : "");
  query.add(request.selection);
  const Request get{"GET",
                    collection(request.resource, request.selection.namespace_) + query.text(),
                    accept_of(request.selection, "PartialObjectMetadata")};
  const Clock& clock = executor_.clock();
  CO_TRY(http::ClientExchangePtr exchange,
         co_await exchanger_.open(head_of(get), true, true,
                                  Deadline::after(clock, options_.connect_timeout)));
  {
    const Running running(*this, *exchange);
    const io::DeadlineGuard guard(executor_, Deadline::after(clock, options_.call_timeout),
                                  [&exchange] { exchange->reset(); });
    auto response = co_await exchange->response();
    if (!response.ok()) {
      co_return guard.expired()
          ? Error(ErrorKind::Network, "the API server did not begin the watch in time")
          : std::move(response).error();
    }
    if (response->status != 200) {
      const auto body = co_await http::read_whole(*exchange, options_.max_answer);
      co_return error_of_answer(response->status, body.ok() ? *body : std::string());
    }
  }
  const Deadline deadline = request.timeout > Duration::zero()
                                ? Deadline::after(clock, request.timeout + kWatchGrace)
                                : Deadline::never();
  co_return std::make_unique<RestWatch>(executor_, std::move(exchange),
                                        request.selection.metadata_only, deadline);
}

io::Task<Result<json::value>> RestTransport::get(Resource resource, ObjectKey key) {
  return call_json({"GET", path_of(resource, key)});
}

io::Task<Result<json::value>> RestTransport::create(Resource resource, json::value object) {
  Request request{"POST", collection(resource, std::string(namespace_of(object)))};
  request.body = codec::write_json(object);
  return call_json(std::move(request));
}

io::Task<Result<json::value>> RestTransport::replace(Resource resource, json::value object,
                                                     std::string subresource) {
  Request request{"PUT", path_of(resource, key_of(object), subresource)};
  request.body = codec::write_json(object);
  return call_json(std::move(request));
}

io::Task<Result<json::value>> RestTransport::patch(Resource resource, ObjectKey key,
                                                   json::value patch, std::string subresource) {
  Request request{"PATCH", path_of(resource, key, subresource)};
  request.content_type = "application/merge-patch+json";
  request.body = codec::write_json(patch);
  return call_json(std::move(request));
}

io::Task<Result<void>> RestTransport::remove(Resource resource, ObjectKey key,
                                             RemoveOptions options) {
  json::object body{{"apiVersion", "v1"},
                    {"kind", "DeleteOptions"},
                    {"propagationPolicy", name_of(options.propagation)}};
  json::object preconditions;
  if (!options.uid.empty()) {
    preconditions["uid"] = options.uid;
  }
  if (!options.resource_version.empty()) {
    preconditions["resourceVersion"] = options.resource_version;
  }
  if (!preconditions.empty()) {
    body["preconditions"] = std::move(preconditions);
  }
  Request request{"DELETE", path_of(resource, key)};
  request.body = codec::write_json(json::value(std::move(body)));
  CO_TRY_VOID(co_await call(std::move(request)));
  co_return Result<void>();
}

}  // namespace roadstead::kube
