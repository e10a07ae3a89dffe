// SPDX-License-Identifier: Apache-2.0
// Subject names, read and made. A name that holds control characters, or marks that reorder text,
// is refused both ways: it ends up in headers, logs and terminals. Internal to crypto/.
#pragma once

#include <openssl/base.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace roadstead::crypto {

struct SubjectNames {
  std::string common_name;  // may be empty
  std::vector<std::string> organizations;
};

// More than one common name is refused: readers disagree on which of them counts.
Result<SubjectNames> read_subject(const X509_NAME* name);
Result<bssl::UniquePtr<X509_NAME>> make_subject(std::string_view common_name,
                                                const std::vector<std::string>& organizations);
std::string rfc2253(const X509_NAME* name);

Result<void> check_text_name(std::string_view what, std::string_view text);
// DNS names and URIs: printable ASCII without spaces.
Result<void> check_ascii_name(std::string_view what, std::string_view text);

}  // namespace roadstead::crypto
