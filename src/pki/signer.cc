// SPDX-License-Identifier: Apache-2.0
#include "pki/signer.h"

namespace roadstead::pki {
namespace {

class LocalSigner final : public Signer {
 public:
  LocalSigner(crypto::Certificate certificate, crypto::PrivateKey key, Random& random)
      : certificate_(std::move(certificate)), key_(std::move(key)), random_(random) {}

  const crypto::Certificate& certificate() const override { return certificate_; }

  Result<crypto::Certificate> sign(const crypto::CertificateTemplate& subject,
                                   const crypto::PublicKey& key) const override {
    return crypto::issue(subject, key, certificate_, key_, random_);
  }

 private:
  crypto::Certificate certificate_;
  crypto::PrivateKey key_;
  Random& random_;
};

}  // namespace

std::unique_ptr<Signer> make_local_signer(crypto::Certificate certificate, crypto::PrivateKey key,
                                          Random& random) {
  return std::make_unique<LocalSigner>(std::move(certificate), std::move(key), random);
}

}  // namespace roadstead::pki
