// SPDX-License-Identifier: Apache-2.0
// The certificates that the hub itself shows, and the TLS contexts made of them: renewed at two
// thirds of their life, and a certificate of one's own is read again when its file has changed.
// Connections keep the context they were made with, so nothing is dropped. Lives on the home.
#pragma once

#include <string>
#include <vector>

#include "api/edge.h"
#include "api/hub_rules.h"
#include "io/blocking_pool.h"
#include "io/sleep.h"
#include "pki/authorities.h"
#include "telemetry/log.h"

namespace roadstead::api {

class HubCertificates {
 public:
  struct Options {
    std::vector<std::string> dns_names;  // of the user port
    std::vector<std::string> ip_addresses;
    std::string certificate_file;  // a certificate of one's own for the user port; "" for none
    std::string key_file;
    Duration lifetime = pki::kServerCertificateLifetime;
  };
  // Fills `contexts` and the roots in `addresses`. `authorities` may be replaced between calls.
  HubCertificates(Options options, const pki::Authorities& authorities, const Clock& clock,
                  EdgeContexts& contexts, HubAddresses& addresses, telemetry::Logger logger);

  // Everything new, at the start and when the authorities were replaced. Reads the files.
  Result<void> make();
  // What is due. A file that cannot be used leaves the old certificate in use.
  io::Task<void> renew(io::Executor& home, io::BlockingPool& pool);
  // How often to call renew().
  Duration interval() const;

 private:
  struct Files {
    std::string chain_pem;
    Secret key_pem;
  };
  static Result<Files> read_files(const std::string& certificate, const std::string& key);
  Result<void> make_own();
  Result<void> use(const pki::ServerIdentity& serving, std::string roots_pem);
  bool is_due() const;

  Options options_;
  const pki::Authorities& authorities_;
  const Clock& clock_;
  EdgeContexts& contexts_;
  HubAddresses& addresses_;
  telemetry::Logger logger_;
  WallTime made_{};
  std::string file_stamp_;  // of both files, as last looked at
};

}  // namespace roadstead::api
