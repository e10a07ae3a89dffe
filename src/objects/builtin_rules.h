// SPDX-License-Identifier: Apache-2.0
// The admission rules of ours that need nothing but the object itself: what a CRD cannot say. This
// is the whole list; a real API server with the same CRDs lacks exactly these (and what the hub's
// domain code adds).
//
//   clusters     the name is a DNS label: it becomes the first part of a host name
//   credentials  the specification cannot be changed, except revoked from false to true
#pragma once

#include "objects/object_api.h"

namespace roadstead::objects {

void add_builtin_rules(ObjectApi& api);

}  // namespace roadstead::objects
