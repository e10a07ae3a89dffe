// SPDX-License-Identifier: Apache-2.0
// A person's certificate and key for one hub, in one file that is replaced whole, so that readers
// never see a certificate with another one's key. Renewed through the hub's Credential objects when
// less than a third of its life is left.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "cli/api_client.h"
#include "cli/config.h"
#include "cli/environment.h"

namespace roadstead::cli {

struct ClientCredential {
  std::string certificate_pem;  // leaf first
  Secret key_pem;
  std::string serial;  // hex
  std::string name;    // of the Credential object; "" in files of older versions
  WallTime not_before{};
  WallTime not_after{};

  bool valid(WallTime now) const { return now < not_after; }
  bool due(WallTime now) const { return not_after - now < (not_after - not_before) / 3; }
};

// The error says what the text lacks.
Result<ClientCredential> parse_credential(std::string_view text);
// The name stands before the PEM blocks, where readers of PEM skip it.
Secret credential_text(const std::string& certificate_pem, const Secret& key_pem,
                       std::string_view name);

class CredentialFile {
 public:
  // Gets a new certificate with one that is still valid.
  using Renew = std::function<Result<ClientCredential>(const ClientCredential& old)>;

  explicit CredentialFile(std::string path) : path_(std::move(path)) {}

  // Unauthenticated when there is none or when it has expired.
  Result<ClientCredential> load(WallTime now) const;
  Result<void> store(const ClientCredential& credential) const;
  // One that is good for a while: renewed when due, by one process at a time; when renewing fails
  // and the old one is valid, that one, and `complain` is told.
  Result<ClientCredential> fresh(const Clock& clock, const Renew& renew,
                                 const std::function<void(const Error&)>& complain) const;

 private:
  std::string path_;
};

// Asks the hub for a new certificate and waits for it.
Result<ClientCredential> renew_at_hub(ApiClient& hub, Network& network, const HubContext& context);

}  // namespace roadstead::cli
