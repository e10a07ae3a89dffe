// SPDX-License-Identifier: Apache-2.0
// Giving memory back. Assigning an empty string does not: the standard library copies short ones
// into the buffer that is there.
#pragma once

namespace roadstead {

template <class Container>
void release(Container& container) {
  Container().swap(container);
}

}  // namespace roadstead
