// SPDX-License-Identifier: Apache-2.0
// Empties a namespace that is being deleted and then lets it go: deletes every object in it, says
// in its status what holds it up, and takes "kubernetes" out of spec.finalizers when nothing is
// left (Kubernetes: pkg/controller/namespace/deletion; the conditions are its own). Lives on the
// executor of its parts. The owner spawns run(), calls stop() and joins.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kube/controller/controller.h"

namespace roadstead::controllers {

class NamespaceController final : private kube::Reconciler {
 public:
  // `contents`: every resource that objects in a namespace can be of.
  NamespaceController(const kube::ControllerParts& parts, kube::Transport& transport,
                      std::vector<kube::Resource> contents);

  io::Task<void> run() { return controller_.run(); }
  void stop() { controller_.stop(); }

 private:
  // What is still there after everything was deleted.
  struct Remaining {
    std::map<std::string, std::size_t> resources;
    std::map<std::string, std::size_t> finalizers;
  };
  io::Task<Result<kube::Reconciled>> reconcile(kube::WorkKey key) override;
  io::Task<Result<void>> empty(kube::Resource resource, std::string ns);
  io::Task<Result<Remaining>> look(std::string ns);
  io::Task<Result<std::vector<boost::json::value>>> list(kube::Resource resource, std::string ns);
  io::Task<Result<void>> write_status(boost::json::value object, const Remaining& remaining);
  io::Task<Result<void>> finalize(boost::json::value object);

  io::Executor& executor_;
  kube::Transport& transport_;
  telemetry::Logger logger_;
  std::vector<kube::Resource> contents_;
  kube::Informer informer_;
  kube::Controller controller_;
};

}  // namespace roadstead::controllers
