// SPDX-License-Identifier: Apache-2.0
#include "objects/strategic_patch.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "kube/status.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kOrderPrefix = "$setElementOrder/";
constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList/";

Error bad(std::string_view why) { return kube::bad_request(why); }

bool is_directive(std::string_view name) {
  return name == kDirective || name == kRetainKeys || name.starts_with(kOrderPrefix) ||
         name.starts_with(kDeletePrefix);
}

Result<std::string> directive_of(const json::object& patch) {
  const json::value* said = patch.if_contains(kDirective);
  if (said == nullptr) {
    return std::string();
  }
  std::string text = said->is_string() ? std::string(said->get_string()) : "";
  if (text != "replace" && text != "merge" && text != "delete") {
    return bad("Unknown patch type found: " +
               (text.empty() ? codec::write_json(*said) : std::string(text)));
  }
  return text;
}

// What a patch says of something new: no directives and no nulls.
json::value plain(const json::value& patch) {
  if (const json::array* list = patch.if_array()) {
    json::array out;
    for (const json::value& one : *list) {
      const json::object* item = one.if_object();
      if (item == nullptr || !item->contains(kDirective)) {
        out.push_back(plain(one));
      }
    }
    return out;
  }
  const json::object* object = patch.if_object();
  if (object == nullptr) {
    return patch;
  }
  json::object out;
  for (const auto& [name, value] : *object) {
    if (!is_directive(name) && !value.is_null()) {
      out[name] = plain(value);
    }
  }
  return out;
}

// Where `value` stands in `order`; behind all when it does not.
std::size_t place_in(const json::array& order, const json::value& value) {
  return static_cast<std::size_t>(std::find(order.begin(), order.end(), value) - order.begin());
}

// By what an item is told from others: its first key, or itself.
const json::value* identity(const MergeType& type, const json::value& item) {
  if (type.keys.empty()) {
    return &item;
  }
  const json::object* object = item.if_object();
  return object == nullptr ? nullptr : object->if_contains(type.keys.front());
}

class StrategicPatch {
 public:
  Result<void> object(const MergeType* type, json::object& target, const json::object& patch) {
    TRY(const std::string directive, directive_of(patch));
    if (directive == "delete" || directive == "replace") {
      target = directive == "delete" ? json::object() : plain(patch).as_object();
      return {};
    }
    TRY_VOID(retain(target, patch));
    for (const auto& [name, value] : patch) {
      const std::string_view key = name;
      if (key.starts_with(kDeletePrefix)) {
        TRY_VOID(delete_from(target, key.substr(kDeletePrefix.size()), value));
      } else if (!is_directive(key)) {
        const MergeType* child = type == nullptr ? nullptr : type->type_of(key);
        TRY_VOID(member(child, target, key, value));
      }
    }
    for (const auto& [name, value] : patch) {
      if (std::string_view(name).starts_with(kOrderPrefix)) {
        const std::string_view key = std::string_view(name).substr(kOrderPrefix.size());
        TRY_VOID(order(type == nullptr ? nullptr : type->type_of(key), target, key, value));
      }
    }
    return {};
  }

 private:
  static Result<void> retain(json::object& target, const json::object& patch) {
    const json::value* kept = patch.if_contains(kRetainKeys);
    if (kept == nullptr) {
      return {};
    }
    if (!kept->is_array()) {
      return bad("invalid patch format of $retainKeys");
    }
    std::vector<std::string> gone;
    for (const auto& [name, value] : target) {
      if (place_in(kept->get_array(), json::value(name)) == kept->get_array().size()) {
        gone.emplace_back(name);
      }
    }
    for (const std::string& name : gone) {
      target.erase(name);
    }
    return {};
  }

  static Result<void> delete_from(json::object& target, std::string_view name,
                                  const json::value& gone) {
    if (!gone.is_array()) {
      return bad("invalid patch format of $deleteFromPrimitiveList");
    }
    json::value* list = target.if_contains(name);
    if (list != nullptr && list->is_array()) {
      json::array left;
      for (const json::value& one : list->get_array()) {
        if (place_in(gone.get_array(), one) == gone.get_array().size()) {
          left.push_back(one);
        }
      }
      *list = std::move(left);
    }
    return {};
  }

  Result<void> member(const MergeType* type, json::object& target, std::string_view name,
                      const json::value& value) {
    json::value* present = target.if_contains(name);
    if (value.is_null()) {
      target.erase(name);
    } else if (present == nullptr || present->kind() != value.kind()) {
      target[name] = plain(value);
    } else if (value.is_object()) {
      return object(type, present->get_object(), value.get_object());
    } else if (value.is_array()) {
      return list(type, *present, value.get_array());
    } else {
      *present = value;
    }
    return {};
  }

  Result<void> list(const MergeType* type, json::value& target, const json::array& patch) {
    if (type == nullptr || type->atomic_list) {
      target = plain(patch);
      return {};
    }
    const bool replaces = std::any_of(patch.begin(), patch.end(), [](const json::value& one) {
      const json::object* item = one.if_object();
      const json::value* said = item == nullptr ? nullptr : item->if_contains(kDirective);
      return said != nullptr && *said == json::value("replace");
    });
    if (replaces) {
      target = plain(patch);
      return {};
    }
    const json::array before = target.get_array();
    json::array keys;
    for (const json::value& one : patch) {
      TRY_VOID(item(*type, target.get_array(), one));
      const json::object* object = one.if_object();
      if (object == nullptr || !object->contains(kDirective)) {
        keys.push_back(key_of(*type, one));
      }
    }
    put_in_order(*type, target.get_array(), keys, before);
    return {};
  }

  static json::value key_of(const MergeType& type, const json::value& item) {
    const json::value* key = identity(type, item);
    return key == nullptr ? json::value(nullptr) : *key;
  }

  // Items that the patch names stand in its order; each other one stands before the first of them
  // that it stood before already, as far as both were there.
  static void put_in_order(const MergeType& type, json::array& items, const json::array& named,
                           const json::array& before) {
    std::multimap<std::size_t, json::value> sorted;
    std::vector<json::value> rest;
    for (json::value& one : items) {
      const std::size_t place = place_in(named, key_of(type, one));
      if (place < named.size()) {
        sorted.emplace(place, std::move(one));
      } else {
        rest.push_back(std::move(one));
      }
    }
    json::array old_keys;
    for (const json::value& one : before) {
      old_keys.push_back(key_of(type, one));
    }
    const auto was_at = [&](const json::value& one) {
      return place_in(old_keys, key_of(type, one));
    };
    items.clear();
    auto other = rest.begin();
    for (auto& [place, one] : sorted) {
      const std::size_t mine = was_at(one);
      while (other != rest.end() && mine < old_keys.size() && was_at(*other) < mine) {
        items.push_back(std::move(*other++));
      }
      items.push_back(std::move(one));
    }
    std::move(other, rest.end(), std::back_inserter(items));
  }

  Result<void> item(const MergeType& type, json::array& target, const json::value& patch) {
    const json::value* key = identity(type, patch);
    if (key == nullptr) {
      return bad("map: " + codec::write_json(patch) +
                 " does not contain declared merge key: " + type.keys.front());
    }
    const auto found = std::find_if(target.begin(), target.end(), [&](const json::value& one) {
      const json::value* other = identity(type, one);
      return other != nullptr && *other == *key;
    });
    if (!patch.is_object()) {
      if (found == target.end()) {
        target.push_back(patch);
      }
      return {};
    }
    TRY(const std::string directive, directive_of(patch.get_object()));
    if (directive == "delete") {
      if (found != target.end()) {
        target.erase(found);
      }
    } else if (found == target.end()) {
      target.push_back(plain(patch));
    } else {
      return object(type.item, found->get_object(), patch.get_object());
    }
    return {};
  }

  static Result<void> order(const MergeType* type, json::object& target, std::string_view name,
                            const json::value& wanted) {
    if (!wanted.is_array()) {
      return bad("invalid patch format of $setElementOrder");
    }
    json::value* list = target.if_contains(name);
    if (list == nullptr || !list->is_array() || type == nullptr || type->atomic_list) {
      return {};
    }
    json::array keys;
    for (const json::value& one : wanted.get_array()) {
      keys.push_back(key_of(*type, one));
    }
    const json::array before = list->get_array();
    put_in_order(*type, list->get_array(), keys, before);
    return {};
  }
};

}  // namespace

Result<void> apply_strategic_patch(const MergeType& type, json::value& document,
                                   const json::value& patch) {
  return StrategicPatch().object(&type, document.get_object(), patch.get_object());
}

}  // namespace roadstead::objects
