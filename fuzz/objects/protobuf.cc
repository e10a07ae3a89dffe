// SPDX-License-Identifier: Apache-2.0
// A Namespace or DeleteOptions in Kubernetes' protobuf: what is read can be written as JSON, and
// read again.
#include "objects/protobuf.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace roadstead;
  const auto read =
      objects::from_protobuf(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!read.ok()) {
    CHECK(read.error().kind() == ErrorKind::InvalidArgument, "a wrong body is the sender's fault");
    return 0;
  }
  CHECK(read->is_object(), "an object");
  const std::string text = codec::write_json(*read);
  CHECK(codec::parse_json(text, {.max_bytes = 64u << 20, .max_depth = 128}).ok(), "JSON");
  return 0;
}
