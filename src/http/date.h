// SPDX-License-Identifier: Apache-2.0
// The Date field (RFC 9110 section 5.6.7, IMF-fixdate). Pure.
#pragma once

#include <string>

#include "base/clock.h"

namespace roadstead::http {

std::string format_http_date(WallTime t);  // Sun, 06 Nov 1994 08:49:37 GMT

}  // namespace roadstead::http
