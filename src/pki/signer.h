// SPDX-License-Identifier: Apache-2.0
// A certificate authority of the hub behind an interface, so that its key can live elsewhere (a
// hardware module, a key service). Thread-safe.
#pragma once

#include <memory>

#include "base/random.h"
#include "base/result.h"
#include "crypto/certificate.h"

namespace roadstead::pki {

class Signer {
 public:
  virtual ~Signer() = default;
  virtual const crypto::Certificate& certificate() const = 0;
  virtual Result<crypto::Certificate> sign(const crypto::CertificateTemplate& subject,
                                           const crypto::PublicKey& key) const = 0;
};

// The key in this process's memory.
std::unique_ptr<Signer> make_local_signer(crypto::Certificate certificate, crypto::PrivateKey key,
                                          Random& random);

}  // namespace roadstead::pki
