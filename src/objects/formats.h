// SPDX-License-Identifier: Apache-2.0
// The formats of strings that schemas may ask for, as the API server checks them
// (kube-openapi/pkg/validation/strfmt). Pure functions.
#pragma once

#include <string_view>

namespace roadstead::objects {

enum class FormatSupport : unsigned char { Checked, Ignored, Unsupported };
// Ignored: the API server does not know it either. Unsupported: it would check it, we do not.
FormatSupport format_support(std::string_view format);

// True for formats that are not checked.
bool fits_format(std::string_view format, std::string_view text);

}  // namespace roadstead::objects
