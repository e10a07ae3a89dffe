// SPDX-License-Identifier: Apache-2.0
#include "kube/controller/reflector.h"

#include <algorithm>

namespace roadstead::kube {
namespace {

// A watch that ends at once with nothing in it would be opened again and again (client-go calls it
// a very short watch).
constexpr Duration kVeryShort = std::chrono::seconds(1);

// Nothing was said about the version, so that watching from it may go on.
bool may_resume(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::Network:
    case ErrorKind::EndOfStream:
    case ErrorKind::Unavailable:
    case ErrorKind::TooManyRequests:
    case ErrorKind::Cancelled:
    case ErrorKind::Protocol:
    case ErrorKind::Tls:
      return true;
    default:
      return false;
  }
}

telemetry::Counter& counter(const ControllerParts& parts, std::string_view what,
                            std::string_view help, const std::string& name) {
  return parts.metrics.counter("roadstead_informer_" + std::string(what) + "_total", help,
                               {{"informer", name}});
}

}  // namespace

Reflector::Reflector(const ControllerParts& parts, Transport& transport, std::string name,
                     Resource resource, Selection selection, ReflectorSink& sink,
                     ReflectorOptions options)
    : executor_(parts.executor),
      random_(parts.random),
      logger_(parts.logger.with({{"informer", name}})),
      transport_(transport),
      resource_(std::move(resource)),
      selection_(std::move(selection)),
      sink_(sink),
      options_(options),
      lists_(counter(parts, "lists", "Lists that informers began.", name)),
      watches_(counter(parts, "watches", "Watches that informers opened.", name)),
      events_(counter(parts, "events", "Events that informers read, bookmarks included.", name)),
      failures_(counter(parts, "failures", "Lists and watches that failed.", name)),
      pause_(parts.executor) {}

void Reflector::stop() {
  pause_.stop();
  if (watch_ != nullptr) {
    watch_->stop();
  }
}

Duration Reflector::next_pause() {
  const MonotonicTime now = executor_.clock().now();
  failed_ = now - failed_at_ > options_.forget_failures_after ? 0 : failed_;
  failed_at_ = now;
  const Duration pause = std::min(
      options_.longest_pause, options_.first_pause * (std::int64_t{1} << std::min(failed_, 20)));
  ++failed_;
  return std::chrono::duration_cast<Duration>(pause * (1.0 + random_.unit()));
}

io::Task<void> Reflector::run() {
  while (!pause_.stopped()) {
    const Result<void> outcome = listed_ ? co_await follow() : co_await list();
    if (outcome.ok() || pause_.stopped()) {
      continue;
    }
    const Error& error = outcome.error();
    failures_.add();
    const bool resumes = listed_ && may_resume(error);
    listed_ = resumes;
    if (error.kind() == ErrorKind::Gone) {
      logger_.info("informer lists again", {{"why", error.message()}});
    } else {
      logger_.warn(resumes ? "informer goes on after a pause" : "informer lists again",
                   {{"error", error.to_string()}});
    }
    static_cast<void>(co_await pause_.sleep(next_pause()));
  }
}

io::Task<Result<void>> Reflector::list() {
  lists_.add();
  std::string version;
  CO_TRY(std::vector<json::value> items, co_await list_pages(&version));
  if (version.empty()) {
    co_return Error(ErrorKind::Protocol,
                    "a list of " + resource_.to_string() + " without metadata.resourceVersion");
  }
  version_ = std::move(version);
  listed_ = true;
  sink_.replace(std::move(items));
  co_return Result<void>();
}

// A continue token can expire while pages are read; then everything is asked for at once
// (k8s.io/client-go/tools/pager, FullListIfExpired).
io::Task<Result<std::vector<json::value>>> Reflector::list_pages(std::string* version) {
  std::vector<json::value> items;
  ListRequest request{resource_, selection_, options_.page_size, ""};
  for (;;) {
    auto page = co_await transport_.list(request);
    if (!page.ok()) {
      if (page.error().kind() != ErrorKind::Gone || request.continue_token.empty()) {
        co_return std::move(page).error();
      }
      items.clear();
      request.limit = 0;
      request.continue_token.clear();
      continue;
    }
    if (items.size() + page->items.size() > options_.max_objects) {
      co_return Error(
          ErrorKind::PayloadTooLarge,
          "more than " + std::to_string(options_.max_objects) + " " + resource_.to_string());
    }
    std::move(page->items.begin(), page->items.end(), std::back_inserter(items));
    *version = std::move(page->resource_version);
    if (page->continue_token.empty()) {
      co_return items;
    }
    request.continue_token = std::move(page->continue_token);
  }
}

io::Task<Result<void>> Reflector::follow() {
  watches_.add();
  const MonotonicTime start = executor_.clock().now();
  const auto timeout =
      std::chrono::duration_cast<Duration>(options_.watch_timeout * (1.0 + random_.unit()));
  CO_TRY(const std::unique_ptr<WatchStream> watch,
         co_await transport_.watch({resource_, selection_, version_, timeout}));
  watch_ = watch.get();
  bool any = false;
  Result<void> outcome = co_await read_events(*watch, &any);
  watch_ = nullptr;
  if (outcome.ok() && !any && executor_.clock().now() - start < kVeryShort) {
    co_return Error(ErrorKind::Unavailable, "the watch ended at once");
  }
  co_return outcome;
}

io::Task<Result<void>> Reflector::read_events(WatchStream& watch, bool* any) {
  while (!pause_.stopped()) {
    CO_TRY(std::vector<WatchEvent> events, co_await watch.next());
    if (events.empty()) {
      break;
    }
    *any = true;
    for (WatchEvent& event : events) {
      events_.add();
      std::string version(resource_version_of(event.object));
      if (event.type != EventType::Bookmark) {
        sink_.apply(event.type, std::move(event.object));
      }
      if (!version.empty()) {
        version_ = std::move(version);
      }
    }
  }
  co_return Result<void>();
}

}  // namespace roadstead::kube
