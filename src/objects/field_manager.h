// SPDX-License-Identifier: Apache-2.0
// Who owns which field of an object: metadata.managedFields, kept up to date by every write, and
// server-side apply, which merges a configuration by it (apimachinery/pkg/util/managedfields,
// structured-merge-diff/merge). Pure functions; one version per kind.
#pragma once

#include <string>

#include "base/clock.h"
#include "objects/kind.h"

namespace roadstead::objects {

struct FieldWriter {
  std::string manager;  // "" becomes "unknown"
  std::string subresource;
  WallTime now;
};

// `object` is about to be written over `live` (nullptr: created) by a request that is no apply.
// Sets its managedFields; a request may bring its own, and [{}] stops the tracking.
void track_update(const Kind& kind, const json::value* live, json::value& object,
                  const FieldWriter& writer);

// `config` applied to `live` (nullptr: created). Fails with Conflict when other managers own what
// it changes and `force` is not set; with InvalidArgument when the configuration is wrong.
Result<json::value> apply_config(const Kind& kind, const json::value* live,
                                 const json::value& config, const FieldWriter& writer, bool force);

// The number of replicas has been changed through the scale subresource; `owned`: to something
// other than 0, which nobody owns there.
void track_scale(const Kind& kind, json::value& object, const FieldWriter& writer, bool owned);

// True when `after` differs from `before` in nothing but times of its managedFields.
bool only_times_differ(const json::value& before, const json::value& after);

}  // namespace roadstead::objects
