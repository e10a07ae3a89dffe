// SPDX-License-Identifier: Apache-2.0
// Signing keys. New keys are ECDSA P-256; RSA >= 2048 and Ed25519 public keys of others are
// accepted for verification. Values with shared ownership inside; usable from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace roadstead::crypto {

class PublicKey {
 public:
  static Result<PublicKey> from_pem(std::string_view pem);
  static Result<PublicKey> from_der(std::string_view spki_der);
  std::string der() const;  // SubjectPublicKeyInfo
  std::string pem() const;
  // ECDSA with SHA-256 (DER signature), RSA PKCS#1 v1.5 with SHA-256, or Ed25519 after the key
  // type.
  bool verify(std::string_view message, std::string_view signature) const;

  struct Impl;
  explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

class PrivateKey {
 public:
  static PrivateKey generate_p256();
  static Result<PrivateKey> from_pem(const Secret& pem);
  Secret pem() const;  // PKCS#8
  PublicKey public_key() const;
  std::string sign(std::string_view message) const;

  struct Impl;
  explicit PrivateKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace roadstead::crypto
