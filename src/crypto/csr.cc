// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/certificate.h"
#include "crypto/names.h"
#include "crypto/native.h"

namespace roadstead::crypto {

constexpr std::size_t kMaxRequest = 64 * 1024;

Result<std::string> CertificateSigningRequest::create_pem(
    const PrivateKey& key, std::string_view common_name,
    const std::vector<std::string>& organizations) {
  TRY(const auto subject, make_subject(common_name, organizations));
  const bssl::UniquePtr<X509_REQ> request(X509_REQ_new());
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  EVP_PKEY* native = key.impl().key.get();
  CHECK(request != nullptr && bio != nullptr &&
            X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
            X509_REQ_set_subject_name(request.get(), subject.get()) == 1 &&
            X509_REQ_set_pubkey(request.get(), native) == 1 &&
            X509_REQ_sign(request.get(), native, digest_of(native)) > 0 &&
            PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1,
        "AWS-LC could not build a signing request");
  return std::string(bio_text(bio.get()));
}

Result<CertificateSigningRequest> CertificateSigningRequest::from_pem(std::string_view pem) {
  if (pem.size() > kMaxRequest) {
    return Error(ErrorKind::PayloadTooLarge, "a signing request of more than 64 KiB");
  }
  const auto bio = memory_reader(pem);
  const bssl::UniquePtr<X509_REQ> request(
      PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) {
    return library_error(ErrorKind::InvalidArgument,
                         "not a certificate signing request in PEM form");
  }
  bssl::UniquePtr<EVP_PKEY> key(X509_REQ_get_pubkey(request.get()));
  if (key == nullptr) {
    return library_error(ErrorKind::InvalidArgument, "the signing request's key cannot be read");
  }
  TRY_VOID(check_key_strength(key.get()));
  TRY_VOID(check_signature_algorithm(X509_REQ_get_signature_nid(request.get())));
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    return library_error(ErrorKind::InvalidArgument,
                         "the signing request is not signed with its own key");
  }
  TRY(SubjectNames subject, read_subject(X509_REQ_get_subject_name(request.get())));
  ERR_clear_error();
  return CertificateSigningRequest(
      PublicKey(std::make_shared<const PublicKey::Impl>(PublicKey::Impl{std::move(key)})),
      std::move(subject.common_name));
}

}  // namespace roadstead::crypto
