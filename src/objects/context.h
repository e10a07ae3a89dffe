// SPDX-License-Identifier: Apache-2.0
// Who asks, and the places where the hub's domain code plugs into the object API.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "io/task.h"
#include "kube/request_info.h"
#include "objects/kind.h"

namespace roadstead::objects {

// Filled by who authenticated the request; opaque to the object API.
struct RequestContext {
  std::string username;
  std::vector<std::string> groups;
  bool is_admin = false;
  std::string request_id;
  std::string source;  // address of the client
};

// Of the hub's own parts: "credentials" acts as system:roadstead:credentials.
inline RequestContext service_context(std::string_view component) {
  return {.username = "system:roadstead:" + std::string(component),
          .groups = {},
          .is_admin = true,
          .request_id = "",
          .source = "hub"};
}

// Called before anything else is done for a request. Copyable, called on the API's home.
using Authorize =
    std::function<io::Task<Result<void>>(const RequestContext&, const kube::RequestInfo&)>;

enum class Operation : unsigned char { Create, Update, Delete };

struct AdmissionRequest {
  const RequestContext& context;
  Operation operation;
  const Kind& kind;
  std::string_view subresource;   // "" or "status"
  const json::value* old_object;  // nullptr for Create
  json::value* object;            // nullptr for Delete; may be changed
  bool dry_run = false;
};

// A rule of ours that a CRD cannot express. Runs after the schema's validation, before the store.
// A refusal is one of kube::invalid, kube::forbidden, kube::conflict.
class AdmissionRule {
 public:
  virtual ~AdmissionRule() = default;
  virtual std::string_view name() const = 0;  // for the list of rules in the reference
  virtual io::Task<Result<void>> review(AdmissionRequest& request) = 0;
};

// A subresource that is an action or a view of an object, such as clusters/NAME/registration.
struct SubresourceRequest {
  const RequestContext& context;
  std::string verb;   // create, get, update, patch, delete
  std::string query;  // raw
  const json::value& parent;
  json::value body;  // null when there was none
};

class Subresource {
 public:
  virtual ~Subresource() = default;
  virtual std::string_view kind() const = 0;           // of what it returns: "ClusterRegistration"
  virtual std::vector<std::string> verbs() const = 0;  // for discovery and 405
  virtual io::Task<Result<json::value>> serve(SubresourceRequest request) = 0;
};

}  // namespace roadstead::objects
