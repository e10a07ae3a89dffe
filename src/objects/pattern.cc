// SPDX-License-Identifier: Apache-2.0
#include "objects/pattern.h"

#include <optional>
#include <utility>

#include "base/ascii.h"

namespace roadstead::objects {
namespace {

constexpr std::size_t kMaxProgram = 20'000;
constexpr int kMaxRepeat = 1000;
constexpr int kMaxDepth = 8;  // a repeated group is compiled twice on each level

std::bitset<256> range_of(unsigned char from, unsigned char to) {
  std::bitset<256> out;
  for (unsigned c = from; c <= to; ++c) {
    out.set(c);
  }
  return out;
}

std::bitset<256> one(char c) {
  std::bitset<256> out;
  out.set(static_cast<unsigned char>(c));
  return out;
}

std::bitset<256> any_but_newline() { return ~one('\n'); }

// \d \w \s and capitals; nullopt: not a class.
std::optional<std::bitset<256>> escaped_class(char c) {
  std::bitset<256> out;
  switch (ascii::lower(c)) {
    case 'd':
      out = range_of('0', '9');
      break;
    case 'w':
      out = range_of('0', '9') | range_of('a', 'z') | range_of('A', 'Z') | one('_');
      break;
    case 's':
      out = one(' ') | one('\t') | one('\n') | one('\r') | one('\f');
      break;
    default:
      return std::nullopt;
  }
  return c >= 'a' ? out : ~out;
}

std::optional<char> escaped_char(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    default:
      return ascii::is_alpha(c) || ascii::is_digit(c) ? std::nullopt : std::optional(c);
  }
}

}  // namespace

// Recursive descent; each part of the expression is a program fragment with relative jumps already
// resolved by where it is put, so a repetition copies by compiling its source again.
class PatternCompiler {
 public:
  PatternCompiler(std::string_view source, Pattern& out) : source_(source), out_(out) {}

  Result<void> run() {
    TRY_VOID(alternation(0));
    if (at_ != source_.size()) {
      return bad("unmatched ')'");
    }
    emit(Pattern::Op::Match);
    return {};
  }

 private:
  Error bad(std::string_view why) const {
    return Error(ErrorKind::InvalidArgument, "pattern '" + std::string(source_) +
                                                 "': " + std::string(why) + " at byte " +
                                                 std::to_string(at_));
  }
  bool more() const { return at_ < source_.size(); }
  char peek() const { return source_[at_]; }
  std::size_t here() const { return out_.program_.size(); }
  std::size_t emit(Pattern::Op op, std::size_t x = 0, std::size_t y = 0) {
    out_.program_.push_back({op, x, y});
    return here() - 1;
  }
  void emit_class(const std::bitset<256>& bytes) {
    out_.classes_.push_back(bytes);
    emit(Pattern::Op::Bytes, out_.classes_.size() - 1);
  }

  Result<void> alternation(int depth) {
    if (depth > kMaxDepth) {
      return bad("nested too deeply");
    }
    std::vector<std::size_t> ends;
    for (;;) {
      // The split is needed only when a '|' follows: look ahead.
      const bool another = bar_follows(at_);
      const std::size_t split = another ? emit(Pattern::Op::Split) : 0;
      if (another) {
        out_.program_[split].x = here();
      }
      TRY_VOID(sequence(depth));
      if (!another) {
        break;
      }
      ends.push_back(emit(Pattern::Op::Jump));
      out_.program_[split].y = here();
      ++at_;  // '|'
    }
    for (const std::size_t end : ends) {
      out_.program_[end].x = here();
    }
    return {};
  }

  // Is there a '|' on this level before the group ends?
  bool bar_follows(std::size_t from) const {
    int level = 0;
    bool in_class = false;
    for (std::size_t i = from; i < source_.size(); ++i) {
      const char c = source_[i];
      if (c == '\\') {
        ++i;
      } else if (in_class) {
        in_class = c != ']';
      } else if (c == '[') {
        in_class = true;
        // A ']' right after '[' or '[^' is a plain byte.
        if (i + 1 < source_.size() && source_[i + 1] == '^') {
          ++i;
        }
        if (i + 1 < source_.size() && source_[i + 1] == ']') {
          ++i;
        }
      } else if (c == '(') {
        ++level;
      } else if (c == ')') {
        if (level-- == 0) {
          return false;
        }
      } else if (c == '|' && level == 0) {
        return true;
      }
    }
    return false;
  }

  Result<void> sequence(int depth) {
    while (more() && peek() != '|' && peek() != ')') {
      TRY_VOID(repeated(depth));
      if (here() > kMaxProgram) {
        return bad("too large");
      }
    }
    return {};
  }

  Result<void> repeated(int depth) {
    const std::size_t source_start = at_;
    const std::size_t program_start = here();
    TRY_VOID(atom(depth));
    if (!more()) {
      return {};
    }
    int least = 1;
    int most = 1;  // -1: no limit
    TRY(const bool counted, quantifier(least, most));
    if (!counted) {
      return {};
    }
    const std::size_t after = at_;
    out_.program_.resize(program_start);
    const auto again = [&]() -> Result<void> {
      at_ = source_start;
      return atom(depth);
    };
    for (int i = 0; i < least; ++i) {
      TRY_VOID(again());
      if (here() > kMaxProgram) {
        return bad("too large");
      }
    }
    if (most < 0) {
      const std::size_t split = emit(Pattern::Op::Split);
      out_.program_[split].x = here();
      TRY_VOID(again());
      emit(Pattern::Op::Jump, split);
      out_.program_[split].y = here();
    } else {
      std::vector<std::size_t> splits;
      for (int i = least; i < most; ++i) {
        splits.push_back(emit(Pattern::Op::Split));
        out_.program_[splits.back()].x = here();
        TRY_VOID(again());
        if (here() > kMaxProgram) {
          return bad("too large");
        }
      }
      for (const std::size_t split : splits) {
        out_.program_[split].y = here();
      }
    }
    at_ = after;
    return {};
  }

  Result<bool> quantifier(int& least, int& most) {
    const char c = peek();
    if (c == '*' || c == '+' || c == '?') {
      ++at_;
      least = c == '+' ? 1 : 0;
      most = c == '?' ? 1 : -1;
    } else if (c == '{' && at_ + 1 < source_.size() && ascii::is_digit(source_[at_ + 1])) {
      ++at_;
      TRY(least, number());
      most = least;
      if (more() && peek() == ',') {
        ++at_;
        most = -1;
        if (more() && peek() != '}') {
          TRY(most, number());
        }
      }
      if (!more() || peek() != '}' || (most >= 0 && most < least)) {
        return bad("bad repetition");
      }
      ++at_;
    } else {
      return false;
    }
    if (more() && peek() == '?') {
      ++at_;  // laziness does not change whether there is a match
    }
    if (more() && (peek() == '*' || peek() == '+')) {
      return bad("repetition of a repetition");
    }
    return true;
  }

  Result<int> number() {
    int value = 0;
    bool any = false;
    while (more() && ascii::is_digit(peek())) {
      value = value * 10 + (source_[at_++] - '0');
      any = true;
      if (value > kMaxRepeat) {
        return bad("repetition over 1000");
      }
    }
    if (!any) {
      return bad("number expected");
    }
    return value;
  }

  Result<void> atom(int depth) {
    const char c = source_[at_++];
    switch (c) {
      case '(':
        return group(depth);
      case '[':
        return bracket();
      case '.':
        emit_class(any_but_newline());
        return {};
      case '^':
        emit(Pattern::Op::Begin);
        return {};
      case '$':
        emit(Pattern::Op::End);
        return {};
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        return bad("nothing to repeat");
      default:
        emit_class(one(c));
        return {};
    }
  }

  Result<void> group(int depth) {
    if (source_.substr(at_).starts_with("?:")) {
      at_ += 2;
    } else if (more() && peek() == '?') {
      return bad("only (?: groups are supported");
    }
    TRY_VOID(alternation(depth + 1));
    if (!more() || peek() != ')') {
      return bad("missing ')'");
    }
    ++at_;
    return {};
  }

  Result<void> escape() {
    if (!more()) {
      return bad("trailing backslash");
    }
    const char c = source_[at_++];
    if (const auto known = escaped_class(c)) {
      emit_class(*known);
      return {};
    }
    const auto plain = escaped_char(c);
    if (!plain) {
      return bad("unsupported escape");
    }
    emit_class(one(*plain));
    return {};
  }

  Result<char> bracket_char() {
    if (!more()) {
      return bad("missing ']'");
    }
    char c = source_[at_++];
    if (c == '\\') {
      const auto plain = more() ? escaped_char(source_[at_++]) : std::nullopt;
      if (!plain) {
        return bad("unsupported escape");
      }
      c = *plain;
    }
    return c;
  }

  Result<void> bracket() {
    std::bitset<256> bytes;
    const bool negated = more() && peek() == '^';
    at_ += negated ? 1 : 0;
    bool first = true;
    while (first || !more() || peek() != ']') {
      if (source_.substr(at_).starts_with("[:")) {
        return bad("[:class:] is not supported");
      }
      if (more() && peek() == '\\' && at_ + 1 < source_.size()) {
        if (const auto known = escaped_class(source_[at_ + 1])) {
          bytes |= *known;
          at_ += 2;
          first = false;
          continue;
        }
      }
      TRY(const char from, bracket_char());
      first = false;
      char to = from;
      if (at_ + 1 < source_.size() && peek() == '-' && source_[at_ + 1] != ']') {
        ++at_;
        TRY(to, bracket_char());
      }
      if (static_cast<unsigned char>(to) < static_cast<unsigned char>(from)) {
        return bad("bad range");
      }
      bytes |= range_of(static_cast<unsigned char>(from), static_cast<unsigned char>(to));
    }
    ++at_;
    emit_class(negated ? ~bytes : bytes);
    return {};
  }

  std::string_view source_;
  Pattern& out_;
  std::size_t at_ = 0;
};

struct Pattern::Threads {
  explicit Threads(std::size_t size) : seen(size, 0) {}
  std::vector<std::size_t> list;
  std::vector<std::size_t> seen;  // position + 1 at which an instruction was last added
  std::vector<std::size_t> stack;
};

Result<Pattern> Pattern::compile(std::string_view source) {
  Pattern pattern;
  pattern.source_ = source;
  TRY_VOID(PatternCompiler(source, pattern).run());
  return pattern;
}

void Pattern::add_thread(Threads& threads, std::size_t start, std::size_t at,
                         std::size_t size) const {
  threads.stack.push_back(start);
  while (!threads.stack.empty()) {
    const std::size_t pc = threads.stack.back();
    threads.stack.pop_back();
    if (threads.seen[pc] == at + 1) {
      continue;
    }
    threads.seen[pc] = at + 1;
    const Instruction& i = program_[pc];
    switch (i.op) {
      case Op::Jump:
        threads.stack.push_back(i.x);
        break;
      case Op::Split:
        threads.stack.push_back(i.y);
        threads.stack.push_back(i.x);
        break;
      case Op::Begin:
        if (at == 0) {
          threads.stack.push_back(pc + 1);
        }
        break;
      case Op::End:
        if (at == size) {
          threads.stack.push_back(pc + 1);
        }
        break;
      case Op::Bytes:
      case Op::Match:
        threads.list.push_back(pc);
        break;
    }
  }
}

bool Pattern::search(std::string_view text) const {
  Threads threads(program_.size());
  std::vector<std::size_t> now;
  for (std::size_t at = 0;; ++at) {
    add_thread(threads, 0, at, text.size());  // a match may start anywhere
    now.swap(threads.list);
    threads.list.clear();
    for (const std::size_t pc : now) {
      if (program_[pc].op == Op::Match) {
        return true;
      }
    }
    if (at == text.size()) {
      return false;
    }
    const auto byte = static_cast<unsigned char>(text[at]);
    for (const std::size_t pc : now) {
      if (classes_[program_[pc].x].test(byte)) {
        add_thread(threads, pc + 1, at + 1, text.size());
      }
    }
  }
}

}  // namespace roadstead::objects
