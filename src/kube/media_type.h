// SPDX-License-Identifier: Apache-2.0
// Content negotiation as the API server does it for resources that are served as JSON only. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace roadstead::kube {

enum class Representation : unsigned char {
  Object,
  Table,                // ;as=Table;v=v1;g=meta.k8s.io
  PartialObject,        // ;as=PartialObjectMetadata;v=v1;g=meta.k8s.io
  PartialObjectList,    // ;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io
  AggregatedDiscovery,  // ;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io
};

struct MediaType {
  std::string type;  // "application/json", lower case
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string_view parameter(std::string_view name) const;
};

// One media range of an Accept or a Content-Type; parameters as written, names in lower case.
MediaType parse_media_type(std::string_view text);

struct Negotiated {
  Representation representation = Representation::Object;
  std::string version = "v1";  // of a Table or PartialObjectMetadata: v1 or v1beta1
  bool pretty = false;
  bool yaml = false;
};

// The first acceptable range in order of q. An empty Accept means JSON. Protobuf and CBOR are
// passed over: clients list JSON after them, and what offers nothing else fails with 406.
// `discovery` allows AggregatedDiscovery, otherwise Table and PartialObjectMetadata are allowed.
Result<Negotiated> negotiate(std::string_view accept, bool discovery = false);

}  // namespace roadstead::kube
