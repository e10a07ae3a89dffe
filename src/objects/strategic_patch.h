// SPDX-License-Identifier: Apache-2.0
// Strategic merge patch (apimachinery/pkg/util/strategicpatch), which clients send for the kinds of
// Kubernetes itself. Lists that a kind's schema merges are merged: sets by value, maps by their
// first key; all others are replaced. Pure.
#pragma once

#include "base/result.h"
#include "objects/merge_type.h"

namespace roadstead::objects {

// Fails with InvalidArgument on a directive that is not known or has the wrong form; `document` is
// then half changed.
Result<void> apply_strategic_patch(const MergeType& type, json::value& document,
                                   const json::value& patch);

}  // namespace roadstead::objects
