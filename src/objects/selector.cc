// SPDX-License-Identifier: Apache-2.0
#include "objects/selector.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "kube/names.h"
#include "kube/object.h"
#include "kube/status.h"

namespace roadstead::objects {
namespace {

constexpr std::size_t kMaxTerms = 256;

std::optional<std::int64_t> as_integer(std::string_view text) {
  std::int64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || read.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return out;
}

}  // namespace

class LabelSelectorParser {
 public:
  explicit LabelSelectorParser(std::string_view text) : text_(text) {}

  Result<LabelSelector> run() {
    LabelSelector out;
    skip();
    while (at_ < text_.size()) {
      TRY(LabelSelector::Term term, term_());
      out.terms_.push_back(std::move(term));
      if (out.terms_.size() > kMaxTerms) {
        return fail("too many terms");
      }
      skip();
      if (at_ == text_.size()) {
        break;
      }
      if (text_[at_] != ',') {
        const std::string found = is_sign(text_[at_]) ? token() : word();
        return kube::bad_request("found '" + found + "', expected: ',' or 'end of string'");
      }
      ++at_;
      skip();
      if (at_ == text_.size()) {
        return kube::bad_request("found '', expected: identifier after ','");
      }
    }
    return out;
  }

 private:
  using Op = LabelSelector::Op;

  static bool is_sign(char c) {
    return std::string_view("=,<>()!").find(c) != std::string_view::npos;
  }
  Error fail(std::string_view why) const {
    return kube::bad_request("unable to parse requirement: " + std::string(why));
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) {
      ++at_;
    }
  }
  std::string word() {
    skip();
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           std::string_view(" \t,()=!<>").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) {
      return false;
    }
    at_ += token.size();
    return true;
  }

  // An operator or a single sign.
  std::string token() const {
    for (const std::string_view two : {"==", "!="}) {
      if (text_.substr(at_).starts_with(two)) {
        return std::string(two);
      }
    }
    return std::string(text_.substr(at_, 1));
  }

  Result<LabelSelector::Term> term_() {
    LabelSelector::Term term{{}, Op::Exists, {}};
    const bool missing = take("!");
    skip();
    if (at_ < text_.size() && is_sign(text_[at_])) {
      return kube::bad_request("found '" + token() +
                               "', expected: !, identifier, or 'end of string'");
    }
    term.key = word();
    const kube::Complaints complaints = kube::check_label_key(term.key);
    if (!complaints.empty()) {
      return fail("<nil>: Invalid value: " + kube::quote(term.key) + ": " + complaints.front());
    }
    if (missing) {
      term.op = Op::Missing;
      return term;
    }
    skip();
    if (at_ == text_.size() || text_[at_] == ',') {
      return term;
    }
    if (take("!=")) {
      term.op = Op::NotIn;
    } else if (take("==") || take("=")) {
      term.op = Op::In;
    } else if (take(">")) {
      term.op = Op::Greater;
    } else if (take("<")) {
      term.op = Op::Less;
    } else {
      return set_term(std::move(term));
    }
    skip();
    if (at_ < text_.size() &&
        std::string_view("=!<>()").find(text_[at_]) != std::string_view::npos) {
      return fail("found '" + std::string(1, text_[at_]) + "', expected: identifier");
    }
    term.values.push_back(word());
    TRY_VOID(check_values(term));
    return term;
  }

  Result<LabelSelector::Term> set_term(LabelSelector::Term term) {
    const std::string op = word();
    if (op != "in" && op != "notin") {
      return fail("found '" + op + "', expected: in, notin, =, ==, !=, gt, lt");
    }
    term.op = op == "in" ? Op::In : Op::NotIn;
    if (!take("(")) {
      return fail("expected: '('");
    }
    do {
      term.values.push_back(word());
    } while (take(","));
    if (!take(")")) {
      return fail("found '" + token() + "', expected: ',' or ')'");
    }
    TRY_VOID(check_values(term));
    return term;
  }

  Result<void> check_values(const LabelSelector::Term& term) const {
    for (const std::string& value : term.values) {
      const bool number = term.op == Op::Greater || term.op == Op::Less;
      if (number && !as_integer(value)) {
        return fail("values[0]: Invalid value: " + kube::quote(value) +
                    ": for 'Gt', 'Lt' operators, the value must be an integer");
      }
      const kube::Complaints complaints = kube::check_label_value(value);
      if (!complaints.empty()) {
        return fail("values[0][" + term.key + "]: Invalid value: " + kube::quote(value) + ": " +
                    complaints.front());
      }
    }
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return LabelSelectorParser(text).run();
}

bool LabelSelector::matches(const json::value& object) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const auto value = kube::label(object, term.key);
    const auto listed = [&] {
      return std::find(term.values.begin(), term.values.end(), *value) != term.values.end();
    };
    switch (term.op) {
      case Op::Exists:
        return value.has_value();
      case Op::Missing:
        return !value.has_value();
      case Op::In:
        return value.has_value() && listed();
      case Op::NotIn:
        return !value.has_value() || !listed();
      case Op::Greater:
      case Op::Less: {
        const auto number = value ? as_integer(*value) : std::nullopt;
        const auto bound = as_integer(term.values.front());
        return number && (term.op == Op::Greater ? *number > *bound : *number < *bound);
      }
    }
    return false;
  });
}

namespace {

// A backslash stands before a backslash, a comma or an equals sign, and nowhere else.
Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    ++i;
    const bool known = i < text.size() && (text[i] == '\\' || text[i] == ',' || text[i] == '=');
    if (!known) {
      return kube::bad_request("invalid field selector: invalid escape sequence: \\" +
                               std::string(text.substr(i, 1)));
    }
    out += text[i];
  }
  return out;
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(const Kind& kind, std::string_view text) {
  FieldSelector out;
  for (const std::string_view part : ascii::split(text, ',')) {
    if (part.empty()) {
      continue;
    }
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return kube::bad_request("invalid selector: '" + std::string(text) + "'; can't understand '" +
                               std::string(part) + "'");
    }
    const bool negated = part[equals - 1] == '!';
    const std::string name(part.substr(0, negated ? equals - 1 : equals));
    std::string_view value = part.substr(equals + 1);
    value.remove_prefix(!negated && value.starts_with('=') ? 1 : 0);
    TRY(std::string plain, unescape(value));
    Term term{nullptr, name, std::move(plain), !negated};
    for (const SelectableField& field : kind.selectable) {
      if (field.name == name) {
        term.path = &field.path;
      }
    }
    const bool of_metadata =
        name == "metadata.name" || (name == "metadata.namespace" && kind.namespaced);
    if (term.path == nullptr && !of_metadata) {
      return kube::bad_request("field label not supported: " + name);
    }
    out.terms_.push_back(std::move(term));
    if (out.terms_.size() > kMaxTerms) {
      return kube::bad_request("the field selector has too many terms");
    }
  }
  return out;
}

bool FieldSelector::matches(const json::value& object) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    std::string actual;
    if (term.path != nullptr) {
      const json::value* found = term.path->first(object);
      if (found != nullptr) {
        actual = found->is_string() ? std::string(found->get_string()) : codec::write_json(*found);
      }
    } else {
      actual = term.name == "metadata.name" ? kube::name_of(object) : kube::namespace_of(object);
    }
    return (actual == term.value) == term.equal;
  });
}

Result<Selectors> parse_selectors(const Kind& kind, std::string_view labels,
                                  std::string_view fields) {
  Selectors out;
  TRY(out.labels, LabelSelector::parse(labels));
  TRY(out.fields, FieldSelector::parse(kind, fields));
  return out;
}

}  // namespace roadstead::objects
