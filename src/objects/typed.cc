// SPDX-License-Identifier: Apache-2.0
#include "objects/typed.h"

#include <set>

#include "kube/field_error.h"

namespace roadstead::objects {
namespace {

struct TypedError {
  std::string path;
  std::string message;
};

std::string go_value(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : codec::write_json(value);
}

std::string_view go_type(const json::value& value) {
  return value.is_string()   ? "string"
         : value.is_bool()   ? "bool"
         : value.is_array()  ? "[]interface {}"
         : value.is_object() ? "map[string]interface {}"
                             : "<nil>";
}

class Checker {
 public:
  explicit Checker(Duplicates duplicates) : duplicates_(duplicates) {}

  void value(const MergeType& type, const json::value& value, const std::string& path) {
    switch (first_form(forms_of(type, &value))) {
      case Form::Map:
        map(type, value, path);
        return;
      case Form::Scalar:
        scalar(type, value, path);
        return;
      case Form::List:
        list(type, value, path);
        return;
      case Form::None:
        return;
    }
  }
  Result<void> result() const {
    if (errors_.empty()) {
      return {};
    }
    std::string text = errors_.size() == 1 ? print(errors_[0]) : "errors:";
    if (errors_.size() > 1) {
      for (const TypedError& error : errors_) {
        text += "\n  " + print(error);
      }
    }
    return Error(ErrorKind::InvalidArgument, std::move(text));
  }

 private:
  static std::string print(const TypedError& error) {
    return error.path.empty() ? error.message : error.path + ": " + error.message;
  }
  void fail(const std::string& path, std::string message) {
    errors_.push_back({path, std::move(message)});
  }

  void scalar(const MergeType& type, const json::value& value, const std::string& path) {
    if (value.is_null()) {
      return;
    }
    const bool number = value.is_number();
    switch (type.scalar) {
      case ScalarType::Numeric:
        if (!number) {
          fail(path, "expected numeric (int or float), got " + std::string(go_type(value)));
        }
        return;
      case ScalarType::String:
        if (!value.is_string()) {
          fail(path, "expected string, got &value.valueUnstructured{Value:" +
                         codec::write_json(value) + "}");
        }
        return;
      case ScalarType::Boolean:
        if (!value.is_bool()) {
          fail(path, "expected boolean, got &{" + go_value(value) + "}");
        }
        return;
      case ScalarType::Untyped:
        if (!number && !value.is_string() && !value.is_bool()) {
          fail(path, "expected any scalar, got &{" + go_value(value) + "}");
        }
        return;
      case ScalarType::None:
        return;
    }
  }

  void list(const MergeType& type, const json::value& value, const std::string& path) {
    if (value.is_null()) {
      return;
    }
    const json::array* items = value.if_array();
    if (items == nullptr) {
      fail(path, "expected list, got &{" + go_value(value) + "}");
      return;
    }
    std::set<PathElement> seen;
    for (std::size_t i = 0; i < items->size(); ++i) {
      PathElement element{PathElement::Kind::Index, {}, json::value(static_cast<std::int64_t>(i))};
      if (!type.atomic_list) {
        auto identity = element_of(type, (*items)[i]);
        if (!identity.ok()) {
          fail(path, "element " + std::to_string(i) + ": " + identity.error().message());
          return;
        }
        element = std::move(*identity);
        if (!seen.insert(element).second && duplicates_ == Duplicates::Refuse) {
          fail(path, "duplicate entries for key " + element.to_string());
        }
      }
      this->value(*type.item, (*items)[i], path + element.to_string());
    }
  }

  void map(const MergeType& type, const json::value& value, const std::string& path) {
    if (value.is_null()) {
      return;
    }
    const json::object* fields = value.if_object();
    if (fields == nullptr) {
      fail(path, "expected map, got &{" + go_value(value) + "}");
      return;
    }
    for (const auto& [name, child] : *fields) {
      const std::string below = path + "." + std::string(name);
      const MergeType* known = type.type_of(name);
      if (known == nullptr) {
        fail(below, "field not declared in schema");
        return;
      }
      this->value(*known, child, below);
    }
  }

  Duplicates duplicates_;
  std::vector<TypedError> errors_;
};

class FieldReader {
 public:
  explicit FieldReader(FieldSet& set) : set_(set) {}

  void value(const MergeType& type, const json::value& value) {
    switch (first_form(forms_of(type, &value))) {
      case Form::Map:
        map(type, value);
        return;
      case Form::Scalar:
        set_.insert(path_);
        return;
      case Form::List:
        list(type, value);
        return;
      case Form::None:
        return;
    }
  }

 private:
  void map(const MergeType& type, const json::value& value) {
    if (type.atomic_map) {
      set_.insert(path_);
      return;
    }
    const json::object* fields = value.if_object();
    if (fields == nullptr) {
      return;
    }
    for (const auto& [name, child] : *fields) {
      const MergeType* known = type.type_of(name);
      if (known == nullptr) {
        continue;
      }
      path_.push_back(PathElement::field(name));
      this->value(*known, child);
      const bool empty = child.is_null() || (child.is_object() && child.get_object().empty());
      if (empty || type.field(name) == nullptr) {
        set_.insert(path_);
      }
      path_.pop_back();
    }
  }

  void list(const MergeType& type, const json::value& value) {
    if (type.atomic_list) {
      set_.insert(path_);
      return;
    }
    const json::array* items = value.if_array();
    if (items == nullptr) {
      return;
    }
    std::map<PathElement, int> count;
    for (const json::value& item : *items) {
      if (auto element = element_of(type, item); element.ok()) {
        ++count[*element];
      }
    }
    for (const json::value& item : *items) {
      auto element = element_of(type, item);
      if (!element.ok()) {
        continue;
      }
      const bool single = count[*element] == 1;
      path_.push_back(std::move(*element));
      if (single) {
        this->value(*type.item, item);
      }
      set_.insert(path_);
      path_.pop_back();
    }
  }

  FieldSet& set_;
  FieldPath path_;
};

json::value remove_from_list(const MergeType& type, const json::array& items,
                             const FieldSet& gone) {
  if (items.empty() || type.atomic_list) {
    return nullptr;
  }
  json::array kept;
  for (const json::value& item : items) {
    const auto element = element_of(type, item);
    if (!element.ok()) {
      kept.push_back(item);
      continue;
    }
    if (gone.has_member(*element)) {
      continue;
    }
    const FieldSet* below = gone.below(*element);
    kept.push_back(below == nullptr ? item : remove_fields(*type.item, item, *below));
  }
  return kept.empty() ? json::value(nullptr) : json::value(std::move(kept));
}

json::value remove_from_map(const MergeType& type, const json::object& fields,
                            const FieldSet& gone) {
  if (fields.empty() || type.atomic_map) {
    return nullptr;
  }
  json::object kept;
  for (const auto& [name, child] : fields) {
    const PathElement element = PathElement::field(name);
    if (gone.has_member(element)) {
      continue;
    }
    const FieldSet* below = gone.below(element);
    const MergeType* known = type.type_of(name);
    const bool touched = below != nullptr && known != nullptr;
    kept[name] = touched ? remove_fields(*known, child, *below) : child;
  }
  return kept.empty() ? json::value(nullptr) : json::value(std::move(kept));
}

}  // namespace

Forms forms_of(const MergeType& type, const json::value* value) {
  const Forms all{type.map, type.scalar != ScalarType::None, type.list};
  if (value == nullptr || value->is_null()) {
    return all;
  }
  if (value->is_array()) {
    return type.list ? Forms{false, false, true} : all;
  }
  if (value->is_object()) {
    return type.map ? Forms{true, false, false} : all;
  }
  return type.scalar != ScalarType::None ? Forms{false, true, false} : all;
}

Form first_form(const Forms& forms) {
  return forms.map ? Form::Map : forms.scalar ? Form::Scalar : forms.list ? Form::List : Form::None;
}

Result<PathElement> element_of(const MergeType& list, const json::value& item) {
  const auto bad = [](std::string why) {
    return Error(ErrorKind::InvalidArgument, std::move(why));
  };
  if (list.keys.empty()) {
    if (item.is_object()) {
      return bad("associative list without keys has an element that's a map type");
    }
    if (item.is_array()) {
      return bad("not supported: associative list with lists as elements");
    }
    if (item.is_null()) {
      return bad("associative list without keys has an element that's an explicit null");
    }
    return PathElement::item(item);
  }
  if (item.is_null()) {
    return bad("associative list with keys may not have a null element");
  }
  if (!item.is_object()) {
    return bad("associative list with keys may not have non-map elements");
  }
  json::object keys;
  std::string names;
  for (const std::string& name : list.keys) {
    names += (names.empty() ? "" : " ") + kube::quote(name);
    const MergeType::Field* field = list.item->field(name);
    if (const json::value* part = item.get_object().if_contains(name)) {
      keys[name] = *part;
    } else if (field != nullptr && field->default_value != nullptr) {
      keys[name] = *field->default_value;
    }
  }
  if (keys.empty()) {
    return bad("associative list with keys has an element that omits all key fields [" + names +
               "] (and doesn't have default values for any key fields)");
  }
  return PathElement::key(std::move(keys));
}

Result<void> check_typed(const MergeType& type, const json::value& value, Duplicates duplicates) {
  Checker checker(duplicates);
  checker.value(type, value, "");
  return checker.result();
}

FieldSet fields_of(const MergeType& type, const json::value& value) {
  FieldSet out;
  FieldReader(out).value(type, value);
  return out;
}

json::value remove_fields(const MergeType& type, const json::value& value, const FieldSet& gone) {
  switch (first_form(forms_of(type, &value))) {
    case Form::Map:
      return value.is_object() ? remove_from_map(type, value.get_object(), gone)
                               : json::value(nullptr);
    case Form::List:
      return value.is_array() ? remove_from_list(type, value.get_array(), gone)
                              : json::value(nullptr);
    case Form::Scalar:
    case Form::None:
      break;
  }
  return value;
}

FieldSet with_named_fields(const FieldSet& set, const MergeType* type) {
  FieldSet out;
  for (const auto& [element, node] : set.nodes()) {
    const bool below = !node.below.empty();
    const MergeType* child = nullptr;
    bool named = false;
    if (type != nullptr && element.kind == PathElement::Kind::Field && type->map) {
      child = type->type_of(element.name);
      named = type->field(element.name) != nullptr;
    } else if (type != nullptr && element.kind == PathElement::Kind::Key && type->list) {
      child = type->item;
    }
    if (node.member || (below && named)) {
      out.insert_member(element);
    }
    if (below) {
      out.descend(element) = with_named_fields(node.below, child);
    }
  }
  return out;
}

}  // namespace roadstead::objects
