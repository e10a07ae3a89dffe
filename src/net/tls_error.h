// SPDX-License-Identifier: Apache-2.0
// Failures of AWS-LC in words. Internal to net/.
#pragma once

#include <string>

#include "base/result.h"

namespace roadstead::net {

// Takes what the failed call left in the thread's error queue; `io_error` is the errno of the
// socket, 0 when it did not fail. `during` is put in front: "TLS handshake with 192.0.2.1:8443".
Error take_tls_error(const std::string& during, int io_error);
// True when the queue holds an alert that the peer sent.
bool is_alert_of_peer();

}  // namespace roadstead::net
