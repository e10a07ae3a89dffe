// SPDX-License-Identifier: Apache-2.0
// Requests, bytes and events through Stub and Agent.
#include "../micro/request_world.h"
#include "work.h"

namespace roadstead::bench {
namespace {

constexpr std::size_t kMiB = 1 << 20;

template <int Clients>
class Fetch final : public Work {
 public:
  void run(int units) override { world_.fetch(Clients, units / Clients); }

 private:
  RequestWorld world_;
};

class Download final : public Work {
 public:
  void run(int units) override { world_.download(static_cast<std::size_t>(units) * kMiB); }

 private:
  RequestWorld world_;
};

class Upload final : public Work {
 public:
  void run(int units) override { world_.upload(static_cast<std::size_t>(units) * kMiB); }

 private:
  RequestWorld world_;
};

template <int Watches>
class Events final : public Work {
 public:
  Events() { world_.open_watches(Watches); }
  void run(int units) override { world_.send_events(units / Watches); }

 private:
  RequestWorld world_;
};

constexpr HotPath kPaths[] = {
    {"get-1", "request", 256, prepare<Fetch<1>>},  {"get-64", "request", 1024, prepare<Fetch<64>>},
    {"download", "MiB", 16, prepare<Download>},    {"upload", "MiB", 16, prepare<Upload>},
    {"watch-1", "event", 512, prepare<Events<1>>}, {"watch-64", "event", 1024, prepare<Events<64>>},
};

}  // namespace

std::span<const HotPath> request_paths() { return kPaths; }

}  // namespace roadstead::bench
