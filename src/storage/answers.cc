// SPDX-License-Identifier: Apache-2.0
#include "storage/answers.h"

namespace roadstead::storage {

Error no_such(const Key& key) {
  return Error(ErrorKind::NotFound, key.resource + " \"" + key.path() + "\" not found");
}

Error no_such_secret(const std::string& name) {
  return Error(ErrorKind::NotFound, "secret \"" + name + "\" not found");
}

Error gone(Revision asked, Revision oldest) {
  return Error(ErrorKind::Gone, "too old resource version: " + std::to_string(asked) + " (" +
                                    std::to_string(oldest) + ")");
}

Result<Revision> snapshot_to_read(Revision asked, Revision newest, Revision oldest) {
  const Revision revision = asked == 0 ? newest : asked;
  if (revision > newest) {
    return Error(ErrorKind::InvalidArgument,
                 "resource version " + std::to_string(asked) + " lies in the future");
  }
  if (revision < oldest) {
    return gone(revision, oldest);
  }
  return revision;
}

}  // namespace roadstead::storage
