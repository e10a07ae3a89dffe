// SPDX-License-Identifier: Apache-2.0
// Some workers that bring objects where they should be, one key at a time: informers put keys into
// the queue, workers give them to the Reconciler (sigs.k8s.io/controller-runtime, Controller).
// A failure is tried again with growing pauses; nothing is given up.
// Lives on the executor of its parts; the owner spawns run(), calls stop() and joins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/task_group.h"
#include "kube/controller/informer.h"
#include "kube/controller/work_queue.h"

namespace roadstead::kube {

struct Reconciled {
  std::optional<Duration> requeue_after;  // look again then
};

class Reconciler {
 public:
  virtual ~Reconciler() = default;
  // Brings the object of the key where it should be, from how things are now. Never called for one
  // key twice at a time.
  virtual io::Task<Result<Reconciled>> reconcile(WorkKey key) = 0;
};

struct ControllerOptions {
  std::size_t workers = 2;
  WorkQueueOptions queue;
};

class Controller {
 public:
  Controller(const ControllerParts& parts, std::string name, Reconciler& reconciler,
             ControllerOptions options = {});

  // Runs with the controller; workers begin when all have synced. Before run().
  void add_informer(Informer& informer) { informers_.push_back(&informer); }
  WorkQueue& queue() { return queue_; }
  const WorkQueue& queue() const { return queue_; }

  io::Task<void> run();  // until stop(), when everything has ended
  void stop();

 private:
  io::Task<void> work();
  io::Task<void> work_on(WorkKey key);

  io::Executor& executor_;
  telemetry::Logger logger_;
  Reconciler& reconciler_;
  ControllerOptions options_;
  std::vector<Informer*> informers_;
  WorkQueue queue_;
};

}  // namespace roadstead::kube
