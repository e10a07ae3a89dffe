// SPDX-License-Identifier: Apache-2.0
#include "kube/controller/controller.h"

namespace roadstead::kube {

Controller::Controller(const ControllerParts& parts, std::string name, Reconciler& reconciler,
                       ControllerOptions options)
    : executor_(parts.executor),
      logger_(parts.logger.with({{"controller", name}})),
      reconciler_(reconciler),
      options_(options),
      queue_(parts, name, options.queue) {}

void Controller::stop() {
  queue_.shut_down();
  for (Informer* informer : informers_) {
    informer->stop();
  }
}

io::Task<void> Controller::run() {
  io::TaskGroup tasks(executor_);
  for (Informer* informer : informers_) {
    tasks.spawn(informer->run());
  }
  bool synced = true;
  for (Informer* informer : informers_) {
    synced = co_await informer->wait_synced() && synced;
  }
  for (std::size_t i = 0; synced && i < options_.workers; ++i) {
    tasks.spawn(work());
  }
  co_await tasks.join();
}

io::Task<void> Controller::work() {
  for (;;) {
    const std::optional<WorkKey> key = co_await queue_.get();
    if (!key.has_value()) {
      co_return;
    }
    co_await work_on(*key);
    queue_.done(*key);
  }
}

io::Task<void> Controller::work_on(WorkKey key) {
  const Result<Reconciled> outcome = co_await reconciler_.reconcile(key);
  if (queue_.shutting_down()) {
    co_return;
  }
  if (outcome.ok()) {
    queue_.forget(key);
    if (outcome->requeue_after.has_value()) {
      queue_.add_after(key, *outcome->requeue_after);
    }
    co_return;
  }
  // Somebody else was faster: the next look has what they wrote.
  if (outcome.error().kind() == ErrorKind::Conflict) {
    logger_.debug("object changed meanwhile", {{"object", key.to_string()}});
  } else {
    logger_.warn("not reconciled, tried again", {{"object", key.to_string()},
                                                 {"failures", queue_.failures(key) + 1},
                                                 {"error", outcome.error().to_string()}});
  }
  queue_.add_rate_limited(key);
}

}  // namespace roadstead::kube
