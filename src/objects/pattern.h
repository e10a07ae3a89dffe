// SPDX-License-Identifier: Apache-2.0
// Regular expressions of schemas: the subset of RE2 that real CRDs use (literals, classes, groups,
// alternation, * + ? {m,n}, ^ $, \d \w \s and their opposites). Matching takes time linear in the
// text and no stack, which std::regex cannot promise. Bytes, not runes. A plain, shared value.
#pragma once

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace roadstead::objects {

class Pattern {
 public:
  // Fails with InvalidArgument on what is outside of the subset.
  static Result<Pattern> compile(std::string_view source);

  // True when any part of the text matches, as Go's MatchString.
  bool search(std::string_view text) const;
  const std::string& source() const { return source_; }

 private:
  friend class PatternCompiler;
  enum class Op : unsigned char { Bytes, Split, Jump, Begin, End, Match };
  struct Instruction {
    Op op;
    std::size_t x = 0;  // class index, or first target
    std::size_t y = 0;  // second target
  };
  struct Threads;
  void add_thread(Threads& threads, std::size_t start, std::size_t at, std::size_t size) const;

  std::string source_;
  std::vector<Instruction> program_;
  std::vector<std::bitset<256>> classes_;
};

}  // namespace roadstead::objects
