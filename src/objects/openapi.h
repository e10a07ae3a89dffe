// SPDX-License-Identifier: Apache-2.0
// OpenAPI v2 and v3 documents of the kinds, as `kubectl explain`, `apply` and generators read them.
// Made once at start; immutable.
#pragma once

#include <map>
#include <string>

#include "objects/kind.h"

namespace roadstead::objects {

class OpenApi {
 public:
  explicit OpenApi(const KindRegistry& kinds);

  struct Document {
    std::string body;
    std::string hash;  // upper-case hexadecimal; also its ETag
  };
  const Document& v2() const { return v2_; }
  const Document& v3_index() const { return index_; }
  // "apis/roadstead.io/v1alpha1"; nullptr when there is none.
  const Document* v3(std::string_view path) const;

 private:
  Document v2_;
  Document index_;
  std::map<std::string, Document, std::less<>> v3_;
};

}  // namespace roadstead::objects
