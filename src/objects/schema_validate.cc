// SPDX-License-Identifier: Apache-2.0
// Validation in the order and the words of kube-openapi/pkg/validation/validate.
#include <algorithm>
#include <cmath>
#include <optional>

#include "objects/formats.h"
#include "objects/ratchet.h"
#include "objects/schema.h"

namespace roadstead::objects {
namespace {

using kube::FieldErrors;

// A value in "spec.x in body should ...".
class Check {
 public:
  // `old`: what the value was before, nullptr when that is not known.
  Check(const Schema& schema, const json::value& value, const json::value* old,
        const std::string& path, FieldErrors& errors)
      : schema_(schema), value_(value), old_(old), path_(path), errors_(errors) {}

  void run() {
    if (value_.is_null()) {
      type();
      enumeration();
      return;
    }
    type();
    alternatives();
    if (value_.is_string()) {
      string();
    } else if (value_.is_number()) {
      number();
    } else if (value_.is_array()) {
      array();
    }
    enumeration();
    if (value_.is_object()) {
      object();
    }
  }

 private:
  std::string says(std::string_view what) const { return path_ + " in body " + std::string(what); }
  void invalid(std::string_view what) {
    errors_.push_back(kube::invalid(path_, value_, says(what)));
  }
  void wrong_type(std::string_view expected, const json::value& actual) {
    errors_.push_back(kube::type_invalid(
        path_, actual,
        says("must be of type " + std::string(expected) + ": " + kube::print_value(actual))));
  }

  static std::string_view name_of(SchemaType type) {
    switch (type) {
      case SchemaType::Object:
        return "object";
      case SchemaType::Array:
        return "array";
      case SchemaType::String:
        return "string";
      case SchemaType::Integer:
        return "integer";
      case SchemaType::Number:
        return "number";
      case SchemaType::Boolean:
        return "boolean";
      case SchemaType::Any:
        break;
    }
    return "";
  }
  static std::string_view type_name(const json::value& v) {
    switch (v.kind()) {
      case json::kind::null:
        return "null";
      case json::kind::bool_:
        return "boolean";
      case json::kind::int64:
      case json::kind::uint64:
        return "integer";
      case json::kind::double_:
        return "number";
      case json::kind::string:
        return "string";
      case json::kind::array:
        return "array";
      case json::kind::object:
        return "object";
    }
    return "";
  }
  bool is_whole_double() const {
    const double* d = value_.if_double();
    return d != nullptr && std::isfinite(*d) && *d == std::trunc(*d) && std::fabs(*d) < 9e18;
  }
  bool fits_type() const {
    const bool integer = value_.is_int64();
    if (schema_.int_or_string) {
      return integer || value_.is_string() || is_whole_double();
    }
    switch (schema_.type) {
      case SchemaType::Any:
        return true;
      case SchemaType::Object:
        return value_.is_object();
      case SchemaType::Array:
        return value_.is_array();
      case SchemaType::String:
        return value_.is_string();
      case SchemaType::Integer:
        return integer || is_whole_double();
      case SchemaType::Number:
        return value_.is_number();
      case SchemaType::Boolean:
        return value_.is_bool();
    }
    return false;
  }

  void type() {
    if (value_.is_null() && schema_.nullable) {
      return;
    }
    if (fits_type()) {
      return;
    }
    const std::string expected =
        schema_.int_or_string ? "integer,string" : std::string(name_of(schema_.type));
    // A wrong value of a field with a format is told by the format's name.
    const bool known =
        !schema_.format.empty() && format_support(schema_.format) == FormatSupport::Checked;
    if (known && !value_.is_null() && !value_.is_string() && !value_.is_array()) {
      const bool number = value_.is_double() || value_.is_uint64();
      wrong_type(schema_.format, value_.is_int64() ? "int64" : number ? "float64" : "");
      return;
    }
    wrong_type(expected, json::value(type_name(value_)));
  }

  void alternatives() {
    const auto fits = [&](const Schema& schema, FieldErrors& out) {
      Check(schema, value_, old_, path_, out).run();
      return out.empty();
    };
    // How many fit, and what is wrong with the first one.
    const auto count = [&](const std::vector<std::unique_ptr<Schema>>& schemas,
                           FieldErrors& first) {
      std::size_t n = 0;
      for (const auto& schema : schemas) {
        FieldErrors out;
        n += fits(*schema, out) ? 1 : 0;
        if (first.empty()) {
          first = std::move(out);
        }
      }
      return n;
    };
    FieldErrors inner;
    if (!schema_.any_of.empty() && count(schema_.any_of, inner) == 0) {
      complain("must validate at least one schema (anyOf)");
      errors_.insert(errors_.end(), inner.begin(), inner.end());
    }
    if (!schema_.one_of.empty()) {
      inner.clear();
      const std::size_t n = count(schema_.one_of, inner);
      if (n == 0) {
        errors_.insert(errors_.end(), inner.begin(), inner.end());
      }
      if (n != 1) {
        complain("must validate one and only one schema (oneOf). " +
                 (n == 0 ? std::string("Found none valid")
                         : "Found " + std::to_string(n) + " valid alternatives"));
      }
    }
    if (!schema_.all_of.empty()) {
      std::size_t n = 0;
      for (const auto& schema : schema_.all_of) {
        FieldErrors out;
        n += fits(*schema, out) ? 1 : 0;
        errors_.insert(errors_.end(), out.begin(), out.end());
      }
      if (n != schema_.all_of.size()) {
        complain(std::string("must validate all the schemas (allOf)") +
                 (n == 0 ? ". None validated" : ""));
      }
    }
    FieldErrors ignored;
    if (schema_.none_of != nullptr && fits(*schema_.none_of, ignored)) {
      complain("must not validate the schema (not)");
    }
  }
  void complain(std::string_view what) {
    errors_.push_back(
        kube::invalid("<nil>", json::value(""), kube::quote(path_) + " " + std::string(what)));
  }

  void string() {
    const std::string_view text = value_.get_string();
    // Characters: continuation bytes of UTF-8 do not count.
    const auto length = std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    if (schema_.max_length && length > *schema_.max_length) {
      errors_.push_back(kube::too_long(path_, *schema_.max_length));
    }
    if (schema_.min_length && length < *schema_.min_length) {
      invalid("should be at least " + std::to_string(*schema_.min_length) + " chars long");
    }
    if (schema_.pattern && !schema_.pattern->search(text)) {
      invalid("should match '" + schema_.pattern->source() + "'");
    }
    if (!roadstead::objects::fits_format(schema_.format, text)) {
      wrong_type(schema_.format, value_);
    }
  }

  static std::string print(double bound) {
    return kube::print_value(bound == std::trunc(bound) && std::fabs(bound) < 9e15
                                 ? json::value(static_cast<std::int64_t>(bound))
                                 : json::value(bound));
  }
  bool fits_integer(double n) const {
    if (schema_.type != SchemaType::Integer) {
      return true;
    }
    if (schema_.format == "int32") {
      return n == std::trunc(n) && n >= -2147483648.0 && n <= 2147483647.0;
    }
    return value_.is_int64() || is_whole_double();
  }
  void number() {
    const double n = value_.to_number<double>();
    if (!fits_integer(n)) {
      const bool plain = schema_.format != "int32" && schema_.format != "int64";
      errors_.push_back(kube::invalid(
          "<nil>", json::value(""),
          "Checked value must be of type integer " +
              (plain ? std::string("(default format)") : "with format " + schema_.format) + " in " +
              path_));
    }
    if (schema_.multiple_of && std::remainder(n, *schema_.multiple_of) != 0) {
      invalid("should be a multiple of " + print(*schema_.multiple_of));
    }
    if (schema_.maximum) {
      const bool exclusive = schema_.exclusive_maximum;
      if (exclusive ? n >= *schema_.maximum : n > *schema_.maximum) {
        invalid((exclusive ? "should be less than " : "should be less than or equal to ") +
                print(*schema_.maximum));
      }
    }
    if (schema_.minimum) {
      const bool exclusive = schema_.exclusive_minimum;
      if (exclusive ? n <= *schema_.minimum : n < *schema_.minimum) {
        invalid((exclusive ? "should be greater than " : "should be greater than or equal to ") +
                print(*schema_.minimum));
      }
    }
  }

  void array() {
    const json::array& items = value_.get_array();
    if (schema_.items != nullptr) {
      for (std::size_t i = 0; i < items.size(); ++i) {
        validate(*schema_.items, items[i], path_ + "[" + std::to_string(i) + "]", errors_,
                 old_item(schema_, old_, items[i]));
      }
    }
    const auto size = static_cast<std::int64_t>(items.size());
    if (schema_.min_items && size < *schema_.min_items) {
      errors_.push_back(kube::invalid(
          path_, json::value(size),
          says("should have at least " + std::to_string(*schema_.min_items) + " items")));
    }
    if (schema_.max_items && size > *schema_.max_items) {
      errors_.push_back(kube::too_many(path_, size, *schema_.max_items));
    }
  }

  void enumeration() {
    const auto& allowed = schema_.enum_values;
    if (allowed.empty() || std::find(allowed.begin(), allowed.end(), value_) != allowed.end() ||
        (value_.is_null() && schema_.nullable)) {
      return;
    }
    std::vector<std::string> names;
    for (const json::value& one : allowed) {
      names.push_back(one.is_string() ? std::string(one.get_string()) : kube::print_value(one));
    }
    errors_.push_back(kube::not_supported(path_, value_, names));
  }

  std::string child(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  }
  void object() {
    const json::object& fields = value_.get_object();
    const auto size = static_cast<std::int64_t>(fields.size());
    if (schema_.min_properties && size < *schema_.min_properties) {
      errors_.push_back(kube::invalid(
          path_, json::value(size),
          says("should have at least " + std::to_string(*schema_.min_properties) + " properties")));
    }
    if (schema_.max_properties && size > *schema_.max_properties) {
      errors_.push_back(kube::too_many(path_, size, *schema_.max_properties));
    }
    for (const auto& [name, field] : fields) {
      const bool meta = path_.empty() && std::string_view(name) == "metadata";
      const Schema* known = schema_.property(name);
      if (known != nullptr && !meta) {
        validate(*known, field, child(name), errors_, old_field(schema_, old_, name));
      }
    }
    for (const std::string& name : schema_.required) {
      if (!fields.contains(name)) {
        errors_.push_back(kube::required(child(name)));
      }
    }
  }

  const Schema& schema_;
  const json::value& value_;
  const json::value* old_;
  const std::string& path_;
  FieldErrors& errors_;
};

}  // namespace

void validate(const Schema& schema, const json::value& value, const std::string& path,
              kube::FieldErrors& errors, const json::value* old) {
  kube::FieldErrors found;
  Check(schema, value, old, path, found).run();
  if (!found.empty() && (old == nullptr || !unchanged(schema, *old, value))) {
    errors.insert(errors.end(), found.begin(), found.end());
  }
}

}  // namespace roadstead::objects
