// SPDX-License-Identifier: Apache-2.0
#include "agent/failure.h"

#include "net/connect_fault.h"

namespace roadstead::agent {
namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

std::string Failure::to_text() const {
  return fix.empty() ? reason + ": " + message : reason + ": " + message + ". " + fix;
}

Failure explain_hub_failure(const Error& error, const std::string& hub) {
  using net::ConnectFault;
  const auto failure = [&error](std::string reason, std::string fix) {
    return Failure{std::move(reason), error.message(), std::move(fix)};
  };
  const std::optional<ConnectFault> fault = net::fault_of(error);
  if (!fault.has_value() && error.kind() == ErrorKind::Tls) {
    return failure("HubTlsFailed", "Check that " + hub + " is the hub's own address");
  }
  if (!fault.has_value() && error.kind() != ErrorKind::DeadlineExceeded) {
    return failure("HubNotReached", "Check the network between this cluster and " + hub);
  }
  switch (fault.value_or(ConnectFault::NoAnswer)) {
    case ConnectFault::NameNotResolved:
      return failure("HubNameNotResolved",
                     "Check the hub's address (" + hub + ") and the DNS of this place");
    case ConnectFault::ConnectionRefused:
      return failure("ConnectionRefused", "Check the hub's address (" + hub +
                                              "): nothing listens there, or a firewall rejects");
    case ConnectFault::ProxyNotReached:
      return failure("ProxyNotReached",
                     "Check the address of the HTTP proxy (HTTPS_PROXY), or put "
                     "the hub in NO_PROXY");
    case ConnectFault::ProxyCredential:
      return failure("ProxyAuthentication",
                     "Give the proxy's user and password: HTTPS_PROXY="
                     "http://USER:PASSWORD@HOST:PORT");
    case ConnectFault::ProxyRefused:
      return failure("ProxyRefused",
                     "Let the proxy allow CONNECT to " + hub + ", or put the hub in NO_PROXY");
    case ConnectFault::NotTrusted:
      return failure("HubNotTrusted", "Something else than the hub answers at " + hub +
                                          " (a proxy that opens TLS, or another hub); if the hub's "
                                          "CA was replaced, download the manifest again");
    case ConnectFault::Clock:
      return failure("ClockOrExpiry",
                     "Compare this machine's clock with the hub's; if both are "
                     "right, a certificate has expired");
    case ConnectFault::OurCertificate:
      return failure("CertificateRefusedByHub",
                     "Download a new manifest for this cluster and apply it");
    case ConnectFault::NameNotServed:
      return failure("ClusterUnknownToHub",
                     "The hub at " + hub +
                         " does not know this cluster: was it removed, or is this another hub?");
    case ConnectFault::NoAnswer:
      break;
  }
  return failure("ConnectionTimedOut", "Check that a firewall lets this cluster reach " + hub +
                                           "; if there is an HTTP proxy, give HTTPS_PROXY");
}

Failure explain_enrolment_failure(const Error& error, const std::string& cluster) {
  const std::string& text = error.message();
  switch (error.kind()) {
    case ErrorKind::Unauthenticated:
      return {has(text, "used")      ? "TokenUsed"
              : has(text, "expired") ? "TokenExpired"
                                     : "TokenRefused",
              text, "Download a new manifest for cluster \"" + cluster + "\" and apply it"};
    case ErrorKind::Gone:
      return {"ClusterRemoved", text,
              "Cluster \"" + cluster + "\" was removed at the hub: delete the Agent's Namespace"};
    case ErrorKind::Conflict:
      return {"OtherApiServer", text,
              "Cluster \"" + cluster +
                  "\" belongs to another API server; register this one under "
                  "a name of its own"};
    default:
      return {"EnrolmentRefused", text,
              "See the conditions of cluster \"" + cluster + "\" at the hub"};
  }
}

Failure explain_api_server_failure(const Error& error, const std::string& origin) {
  const std::string& text = error.message();
  if (error.kind() == ErrorKind::Unauthenticated) {
    return {"AgentCredentialRefused", text, "Check the Agent's credential: " + origin};
  }
  if (error.kind() == ErrorKind::PermissionDenied) {
    return {"AgentLacksRights", text, "Apply the manifest again, so that the Agent has its rights"};
  }
  if (error.kind() == ErrorKind::Tls) {
    return {"ApiServerNotTrusted", text, "Check the CA of the API server: " + origin};
  }
  return {"ApiServerNotReached", text, "Check the API server and the network to it"};
}

}  // namespace roadstead::agent
