// SPDX-License-Identifier: Apache-2.0
// Why no connection came about, for callers that tell the cases apart: a detail of the Error, which
// keeps its words for people. Plain values, usable on any thread.
#pragma once

#include <optional>

#include "base/result.h"

namespace roadstead::net {

enum class ConnectFault : unsigned char {
  NameNotResolved,
  ConnectionRefused,
  NoAnswer,
  ProxyNotReached,
  ProxyCredential,  // 407: the proxy wants a user and a password, or others
  ProxyRefused,     // any other answer of the proxy that is no tunnel
  NotTrusted,       // the peer's certificate was issued by somebody else
  Clock,            // a certificate has expired or is not valid yet
  OurCertificate,   // the peer does not accept our certificate
  NameNotServed,    // the peer does not know the host name (SNI)
};

Error with_fault(Error error, ConnectFault fault);
// Nothing for an error that none of the faults describes.
std::optional<ConnectFault> fault_of(const Error& error);

}  // namespace roadstead::net
