// SPDX-License-Identifier: Apache-2.0
// Two values of a type side by side: merged and compared (structured-merge-diff/typed/{merge,
// compare}.go, whose order of list items is kept).
#include <algorithm>

#include "objects/typed.h"

namespace roadstead::objects {
namespace {

bool is_empty_map(const json::value* v) {
  const json::object* object = v == nullptr ? nullptr : v->if_object();
  return object == nullptr || object->empty();
}

bool is_empty_list(const json::value* v) {
  const json::array* array = v == nullptr ? nullptr : v->if_array();
  return array == nullptr || array->empty();
}

using Merged = std::optional<json::value>;

Merged merge(const MergeType& type, const json::value* base, const json::value* change);

Merged leaf(const json::value* base, const json::value* change) {
  return change != nullptr ? Merged(*change) : base != nullptr ? Merged(*base) : std::nullopt;
}

Merged merge_maps(const MergeType& type, const json::value* base, const json::value* change) {
  if (type.atomic_map || (is_empty_map(base) && is_empty_map(change))) {
    return leaf(base, change);
  }
  json::object out;
  const json::object none;
  const json::object& left = is_empty_map(base) ? none : base->get_object();
  const json::object& right = is_empty_map(change) ? none : change->get_object();
  const auto put = [&](std::string_view name, const json::value* l, const json::value* r) {
    const MergeType* known = type.type_of(name);
    Merged merged = known == nullptr ? leaf(l, r) : merge(*known, l, r);
    if (merged) {
      out[name] = std::move(*merged);
    }
  };
  for (const auto& [name, value] : left) {
    put(name, &value, right.if_contains(name));
  }
  for (const auto& [name, value] : right) {
    if (!left.contains(name)) {
      put(name, nullptr, &value);
    }
  }
  return out.empty() ? std::nullopt : Merged(std::move(out));
}

// The items of a list in order, each with what tells it apart; of several with the same identity
// none can be merged.
struct Indexed {
  std::vector<PathElement> order;
  std::vector<const json::value*> items;
  std::map<PathElement, const json::value*> by_element;

  Indexed(const MergeType& type, const json::value* list) {
    if (is_empty_list(list)) {
      return;
    }
    for (const json::value& item : list->get_array()) {
      auto element = element_of(type, item);
      if (!element.ok()) {
        continue;
      }
      const auto [at, fresh] = by_element.emplace(*element, &item);
      if (!fresh) {
        at->second = nullptr;
      }
      order.push_back(std::move(*element));
      items.push_back(&item);
    }
  }
  bool has(const PathElement& element) const { return by_element.contains(element); }
  const json::value* find(const PathElement& element) const {
    const auto found = by_element.find(element);
    return found == by_element.end() ? nullptr : found->second;
  }
};

// Items of `base` stay where they are as far as the order of `change` allows.
class ListMerge {
 public:
  ListMerge(const MergeType& type, const json::value* base, const json::value* change)
      : type_(type), left_(type, base), right_(type, change) {
    for (const PathElement& element : right_.order) {
      if (left_.has(element)) {
        shared_.push_back(element);
      }
    }
  }

  Merged run() {
    std::size_t l = 0;
    std::size_t r = 0;
    while (l < left_.order.size() || r < right_.order.size()) {
      if (l < left_.order.size() && r < right_.order.size()) {
        const PathElement& element = left_.order[l];
        if (element == right_.order[r]) {
          take(element, left_.find(element), right_.find(element));
          ++l;
          ++r;
          ++next_;
          continue;
        }
        const bool later =
            right_.has(element) && next_ < shared_.size() && !(shared_[next_] == element);
        if (later) {
          ++l;
          continue;
        }
      }
      if (l < left_.order.size()) {
        const PathElement& element = left_.order[l];
        if (!right_.has(element)) {
          put(left_.items[l], nullptr);
          ++l;
          continue;
        }
        if (done_.contains(element)) {
          ++l;
        }
      }
      if (r < right_.order.size()) {
        const PathElement& element = right_.order[r];
        take(element, left_.find(element), right_.find(element));
        ++r;
        if (next_ < shared_.size() && shared_[next_] == element) {
          ++next_;
        }
      }
    }
    return out_.empty() ? std::nullopt : Merged(std::move(out_));
  }

 private:
  void take(const PathElement& element, const json::value* base, const json::value* change) {
    done_.emplace(element, true);
    put(base, change);
  }
  void put(const json::value* base, const json::value* change) {
    if (Merged merged = merge(*type_.item, base, change)) {
      out_.push_back(std::move(*merged));
    }
  }

  const MergeType& type_;
  Indexed left_;
  Indexed right_;
  std::vector<PathElement> shared_;
  std::size_t next_ = 0;
  std::map<PathElement, bool> done_;
  json::array out_;
};

Merged merge(const MergeType& type, const json::value* base, const json::value* change) {
  if (base == nullptr && change == nullptr) {
    return std::nullopt;
  }
  const json::value* decides = change == nullptr ? base : change;
  const Forms forms = forms_of(type, decides);
  switch (first_form(forms)) {
    case Form::Map:
      return merge_maps(type, base, change);
    case Form::List:
      if (type.atomic_list || (is_empty_list(base) && is_empty_list(change))) {
        return leaf(base, change);
      }
      return ListMerge(type, base, change).run();
    case Form::Scalar:
    case Form::None:
      break;
  }
  return leaf(base, change);
}

class Comparer {
 public:
  Comparison out;

  void value(const MergeType& type, const json::value* before, const json::value* after,
             bool in_leaf) {
    const Forms left = forms_of(type, before);
    const Forms right = forms_of(type, after);
    bool was_leaf = in_leaf;
    if (after == nullptr) {
      was_leaf = form(left, type, before, after, in_leaf);
    } else if (before == nullptr || left == right) {
      was_leaf = form(right, type, before, after, in_leaf);
    } else {
      form(left, type, before, after, in_leaf);
      was_leaf = form(right, type, before, after, in_leaf);
    }
    if (!was_leaf && before == nullptr) {
      out.added.insert(path_);
    } else if (!was_leaf && after == nullptr) {
      out.removed.insert(path_);
    }
  }

 private:
  // Returns whether the value is a leaf.
  bool form(const Forms& forms, const MergeType& type, const json::value* before,
            const json::value* after, bool in_leaf) {
    switch (first_form(forms)) {
      case Form::Map:
        if (type.atomic_map || (is_empty_map(before) && is_empty_map(after))) {
          return leaf(before, after, in_leaf);
        }
        maps(type, before, after, in_leaf);
        return in_leaf;
      case Form::List:
        if (type.atomic_list || (is_empty_list(before) && is_empty_list(after))) {
          return leaf(before, after, in_leaf);
        }
        lists(type, before, after, in_leaf);
        return in_leaf;
      case Form::Scalar:
        return leaf(before, after, in_leaf);
      case Form::None:
        break;
    }
    return in_leaf;
  }

  bool leaf(const json::value* before, const json::value* after, bool in_leaf) {
    if (in_leaf) {
      return true;
    }
    if (before == nullptr) {
      out.added.insert(path_);
    } else if (after == nullptr) {
      out.removed.insert(path_);
    } else if (!same_value(*before, *after)) {
      out.modified.insert(path_);
    }
    return true;
  }

  void step(PathElement element, const MergeType& type, const json::value* before,
            const json::value* after, bool in_leaf) {
    path_.push_back(std::move(element));
    value(type, before, after, in_leaf);
    path_.pop_back();
  }

  void maps(const MergeType& type, const json::value* before, const json::value* after,
            bool in_leaf) {
    const json::object none;
    const json::object& left = is_empty_map(before) ? none : before->get_object();
    const json::object& right = is_empty_map(after) ? none : after->get_object();
    for (const auto& [name, child] : left) {
      if (const MergeType* known = type.type_of(name)) {
        step(PathElement::field(name), *known, &child, right.if_contains(name), in_leaf);
      }
    }
    for (const auto& [name, child] : right) {
      const MergeType* known = type.type_of(name);
      if (known != nullptr && !left.contains(name)) {
        step(PathElement::field(name), *known, nullptr, &child, in_leaf);
      }
    }
  }

  using Items = std::map<PathElement, std::vector<const json::value*>>;
  static Items items_of(const MergeType& type, const json::value* list) {
    Items out;
    if (!is_empty_list(list)) {
      for (const json::value& item : list->get_array()) {
        if (auto element = element_of(type, item); element.ok()) {
          out[std::move(*element)].push_back(&item);
        }
      }
    }
    return out;
  }

  void lists(const MergeType& type, const json::value* before, const json::value* after,
             bool in_leaf) {
    Items left = items_of(type, before);
    const Items right = items_of(type, after);
    for (const auto& [element, items] : right) {
      left.try_emplace(element);
    }
    for (const auto& [element, olds] : left) {
      const auto found = right.find(element);
      const std::vector<const json::value*> none;
      item(type, element, olds, found == right.end() ? none : found->second, in_leaf);
    }
  }

  // Items that are there several times are owned together, as one leaf.
  void item(const MergeType& type, const PathElement& element,
            const std::vector<const json::value*>& olds,
            const std::vector<const json::value*>& news, bool in_leaf) {
    const json::value* before = olds.empty() ? nullptr : olds.front();
    const json::value* after = news.empty() ? nullptr : news.front();
    FieldPath here = path_;
    here.push_back(element);
    if (olds.size() <= 1 && news.size() <= 1) {
      step(element, *type.item, before, after, in_leaf);
    } else if (olds.size() >= 2 && news.size() >= 2) {
      const bool same = std::equal(olds.begin(), olds.end(), news.begin(), news.end(),
                                   [](auto* a, auto* b) { return same_value(*a, *b); });
      if (!same) {
        out.modified.insert(here);
      }
    } else if (olds.size() >= 2) {
      if (after != nullptr) {
        step(element, *type.item, nullptr, after, in_leaf);
      }
      out.removed.insert(here);
    } else {
      if (before != nullptr) {
        step(element, *type.item, before, nullptr, in_leaf);
      }
      out.added.insert(here);
    }
  }

  FieldPath path_;
};

}  // namespace

json::value merge_typed(const MergeType& type, const json::value& base, const json::value& change) {
  return merge(type, &base, &change).value_or(json::value(nullptr));
}

Comparison compare_typed(const MergeType& type, const json::value& before,
                         const json::value& after) {
  Comparer comparer;
  comparer.value(type, &before, &after, false);
  return std::move(comparer.out);
}

}  // namespace roadstead::objects
