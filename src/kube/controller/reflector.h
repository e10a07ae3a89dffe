// SPDX-License-Identifier: Apache-2.0
// Keeps a sink in line with one resource of an API server: lists it in pages, then watches from the
// list's resourceVersion on (k8s.io/client-go/tools/cache, Reflector).
//
//   the watch ends cleanly     watched again from the last version seen, bookmarks included
//   the connection breaks      the same after a pause
//   410, an ERROR event with   listed again after a pause
//   it, any other refusal
//
// Owned by an Informer; lives on the executor of its parts.
#pragma once

#include <string>
#include <vector>

#include "io/sleep.h"
#include "kube/controller/parts.h"
#include "kube/controller/transport.h"

namespace roadstead::kube {

struct ReflectorOptions {
  std::size_t page_size = 500;
  std::size_t max_objects = 500'000;  // a longer list is an error
  // Pauses double, and each is stretched at random up to twice (client-go: 800 ms to 30 s).
  Duration first_pause = std::chrono::milliseconds(800);
  Duration longest_pause = std::chrono::seconds(30);
  Duration forget_failures_after = std::chrono::minutes(2);
  // The server is asked to end watches after one to two times this, so that they spread.
  Duration watch_timeout = std::chrono::minutes(5);
};

class ReflectorSink {
 public:
  virtual ~ReflectorSink() = default;
  // All that there is.
  virtual void replace(std::vector<json::value> items) = 0;
  // Added, Modified or Deleted.
  virtual void apply(EventType type, json::value object) = 0;
};

class Reflector {
 public:
  // `name` is for log lines and metrics: "hub/clusters".
  Reflector(const ControllerParts& parts, Transport& transport, std::string name, Resource resource,
            Selection selection, ReflectorSink& sink, ReflectorOptions options = {});

  io::Task<void> run();  // until stop()
  void stop();

  const std::string& resource_version() const { return version_; }

 private:
  io::Task<Result<void>> list();
  io::Task<Result<std::vector<json::value>>> list_pages(std::string* version);
  io::Task<Result<void>> follow();
  io::Task<Result<void>> read_events(WatchStream& watch, bool* any);
  Duration next_pause();

  io::Executor& executor_;
  Random& random_;
  telemetry::Logger logger_;
  Transport& transport_;
  Resource resource_;
  Selection selection_;
  ReflectorSink& sink_;
  ReflectorOptions options_;
  telemetry::Counter& lists_;
  telemetry::Counter& watches_;
  telemetry::Counter& events_;
  telemetry::Counter& failures_;
  io::StoppableSleep pause_;
  WatchStream* watch_ = nullptr;
  std::string version_;
  bool listed_ = false;
  int failed_ = 0;
  MonotonicTime failed_at_{};
};

}  // namespace roadstead::kube
