// SPDX-License-Identifier: Apache-2.0
// Kubernetes' rules for names, label keys and values (apimachinery/pkg/api/validate/content). Each
// check returns what is wrong in the API server's words; empty means valid. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/field_error.h"

namespace roadstead::kube {

using Complaints = std::vector<std::string>;

Complaints check_dns1123_label(std::string_view value);      // "prod-1", at most 63
Complaints check_dns1123_subdomain(std::string_view value);  // "prod.example.com", at most 253
Complaints check_label_key(std::string_view value);          // "example.com/MyName"
Complaints check_label_value(std::string_view value);
// May stand between two slashes of a URL.
Complaints check_path_segment(std::string_view value);

inline bool is_dns1123_label(std::string_view v) { return check_dns1123_label(v).empty(); }
inline bool is_dns1123_subdomain(std::string_view v) { return check_dns1123_subdomain(v).empty(); }
inline bool is_label_key(std::string_view v) { return check_label_key(v).empty(); }
inline bool is_label_value(std::string_view v) { return check_label_value(v).empty(); }

// metadata.labels and metadata.annotations as whole maps.
void check_labels(const json::value& labels, std::string_view field, FieldErrors& errors);
void check_annotations(const json::value& annotations, std::string_view field, FieldErrors& errors);

}  // namespace roadstead::kube
