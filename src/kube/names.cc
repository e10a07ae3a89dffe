// SPDX-License-Identifier: Apache-2.0
#include "kube/names.h"

#include <algorithm>

#include "base/ascii.h"

namespace roadstead::kube {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;
constexpr std::size_t kMaxAnnotations = 256 * 1024;

constexpr std::string_view kLabelFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr std::string_view kSubdomainFormat =
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
constexpr std::string_view kKeyFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
constexpr std::string_view kValueFormat = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

bool is_lower_alnum(char c) { return ascii::is_lower_alpha(c) || ascii::is_digit(c); }
bool is_alnum(char c) { return ascii::is_alpha(c) || ascii::is_digit(c); }

bool looks_like_label(std::string_view value) {
  return !value.empty() && is_lower_alnum(value.front()) && is_lower_alnum(value.back()) &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool looks_like_subdomain(std::string_view value) {
  const auto parts = ascii::split(value, '.');
  return std::all_of(parts.begin(), parts.end(), looks_like_label);
}

bool looks_like_key(std::string_view value) {
  return !value.empty() && is_alnum(value.front()) && is_alnum(value.back()) &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

// The API server says characters of names and bytes of keys and values.
std::string too_long_text(std::size_t limit, std::string_view unit) {
  return "must be no more than " + std::to_string(limit) + " " + std::string(unit);
}

std::string format_text(std::string_view what, std::string_view format,
                        std::initializer_list<std::string_view> examples) {
  std::string out(what);
  out += " (e.g. ";
  bool first = true;
  for (const std::string_view example : examples) {
    out += first ? "" : " or ";
    out += "'" + std::string(example) + "', ";
    first = false;
  }
  out += "regex used for validation is '" + std::string(format) + "')";
  return out;
}

std::string key_text(std::string_view prefix) {
  return format_text(std::string(prefix) +
                         "must consist of alphanumeric characters, '-', '_' or '.', and must start "
                         "and end with an alphanumeric character",
                     kKeyFormat, {"MyName", "my.name", "123-abc"});
}

}  // namespace

Complaints check_dns1123_label(std::string_view value) {
  Complaints out;
  if (value.size() > kMaxLabel) {
    out.push_back(too_long_text(kMaxLabel, "characters"));
  }
  if (!looks_like_label(value)) {
    if (looks_like_subdomain(value)) {
      out.emplace_back("must not contain dots");
    } else {
      out.push_back(
          format_text("a lowercase RFC 1123 label must consist of lower case alphanumeric "
                      "characters or '-', and must start and end with an alphanumeric character",
                      kLabelFormat, {"my-name", "123-abc"}));
    }
  }
  return out;
}

Complaints check_dns1123_subdomain(std::string_view value) {
  Complaints out;
  if (value.size() > kMaxSubdomain) {
    out.push_back(too_long_text(kMaxSubdomain, "characters"));
  }
  if (!looks_like_subdomain(value)) {
    out.push_back(
        format_text("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                    "characters, '-' or '.', and must start and end with an alphanumeric character",
                    kSubdomainFormat, {"example.com"}));
  }
  return out;
}

Complaints check_label_key(std::string_view value) {
  Complaints out;
  const auto parts = ascii::split(value, '/');
  std::string_view name = parts[0];
  if (parts.size() > 2) {
    out.push_back(key_text("a valid label key ") +
                  " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
    return out;
  }
  if (parts.size() == 2) {
    name = parts[1];
    if (parts[0].empty()) {
      out.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& complaint : check_dns1123_subdomain(parts[0])) {
        out.push_back("prefix part " + complaint);
      }
    }
  }
  if (name.empty()) {
    out.emplace_back("name part must be non-empty");
  } else if (name.size() > kMaxLabel) {
    out.push_back("name part " + too_long_text(kMaxLabel, "bytes"));
  }
  if (!looks_like_key(name)) {
    out.push_back(key_text("name part "));
  }
  return out;
}

Complaints check_label_value(std::string_view value) {
  Complaints out;
  if (value.size() > kMaxLabel) {
    out.push_back(too_long_text(kMaxLabel, "bytes"));
  }
  if (!value.empty() && !looks_like_key(value)) {
    out.push_back(
        format_text("a valid label must be an empty string or consist of alphanumeric characters, "
                    "'-', '_' or '.', and must start and end with an alphanumeric character",
                    kValueFormat, {"MyValue", "my_value", "12345"}));
  }
  return out;
}

Complaints check_path_segment(std::string_view value) {
  if (value == "." || value == "..") {
    return {"may not be '" + std::string(value) + "'"};
  }
  Complaints out;
  for (const char c : {'/', '%'}) {
    if (value.find(c) != std::string_view::npos) {
      out.push_back("may not contain '" + std::string(1, c) + "'");
    }
  }
  return out;
}

void check_labels(const json::value& labels, std::string_view field, FieldErrors& errors) {
  const json::object* map = labels.if_object();
  if (map == nullptr) {
    return;
  }
  for (const auto& [key, value] : *map) {
    for (const std::string& complaint : check_label_key(key)) {
      errors.push_back(invalid(std::string(field), json::value(key), complaint));
    }
    if (const json::string* text = value.if_string()) {
      for (const std::string& complaint :
           check_label_value(std::string_view(text->data(), text->size()))) {
        errors.push_back(invalid(std::string(field), value, complaint));
      }
    }
  }
}

void check_annotations(const json::value& annotations, std::string_view field,
                       FieldErrors& errors) {
  const json::object* map = annotations.if_object();
  if (map == nullptr) {
    return;
  }
  std::size_t total = 0;
  for (const auto& [key, value] : *map) {
    // Upper case is allowed in an annotation's prefix.
    for (const std::string& complaint : check_label_key(ascii::to_lower(key))) {
      errors.push_back(invalid(std::string(field), json::value(key), complaint));
    }
    total += key.size() + (value.is_string() ? value.get_string().size() : 0);
  }
  if (total > kMaxAnnotations) {
    errors.push_back(too_long(std::string(field), kMaxAnnotations));
  }
}

}  // namespace roadstead::kube
