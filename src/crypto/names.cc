// SPDX-License-Identifier: Apache-2.0
#include "crypto/names.h"

#include <openssl/bio.h>
#include <openssl/mem.h>
#include <openssl/nid.h>

#include "base/utf8.h"
#include "crypto/native.h"

namespace roadstead::crypto {
namespace {

constexpr std::size_t kMaxName = 1024;
constexpr std::size_t kMaxOrganizations = 256;

Result<std::string> entry_text(const X509_NAME_ENTRY* entry, std::string_view what) {
  std::uint8_t* data = nullptr;
  const int size = ASN1_STRING_to_UTF8(&data, X509_NAME_ENTRY_get_data(entry));
  if (size < 0) {
    return library_error(ErrorKind::InvalidArgument,
                         std::string("the ").append(what).append(" is not text"));
  }
  std::string text(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  TRY_VOID(check_text_name(what, text));
  return text;
}

// UTF8String whatever the length: the upper bound of 64 in RFC 5280 is too short for user names,
// and nobody who reads certificates enforces it.
void add_entry(X509_NAME* name, int nid, std::string_view text) {
  CHECK(X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING,
                                   reinterpret_cast<const std::uint8_t*>(text.data()),
                                   static_cast<ossl_ssize_t>(text.size()), -1, 0) == 1,
        "cannot add a name");
}

}  // namespace

Result<SubjectNames> read_subject(const X509_NAME* name) {
  SubjectNames out;
  bool seen = false;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    if (nid == NID_commonName) {
      if (seen) {
        return Error(ErrorKind::InvalidArgument, "the subject has more than one common name");
      }
      seen = true;
      TRY(out.common_name, entry_text(entry, "common name"));
    } else if (nid == NID_organizationName) {
      if (out.organizations.size() == kMaxOrganizations) {
        return Error(ErrorKind::InvalidArgument, "the subject has more than 256 organizations");
      }
      TRY(std::string text, entry_text(entry, "organization"));
      out.organizations.push_back(std::move(text));
    }
  }
  return out;
}

Result<bssl::UniquePtr<X509_NAME>> make_subject(std::string_view common_name,
                                                const std::vector<std::string>& organizations) {
  if (organizations.size() > kMaxOrganizations) {
    return Error(ErrorKind::InvalidArgument, "more than 256 organizations");
  }
  bssl::UniquePtr<X509_NAME> name(X509_NAME_new());
  CHECK(name != nullptr, "out of memory");
  for (const std::string& organization : organizations) {
    TRY_VOID(check_text_name("organization", organization));
    add_entry(name.get(), NID_organizationName, organization);
  }
  if (!common_name.empty()) {
    TRY_VOID(check_text_name("common name", common_name));
    add_entry(name.get(), NID_commonName, common_name);
  }
  return name;
}

std::string rfc2253(const X509_NAME* name) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(bio != nullptr, "out of memory");
  if (X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    return "?";
  }
  return std::string(bio_text(bio.get()));
}

Result<void> check_text_name(std::string_view what, std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return Error(ErrorKind::InvalidArgument, std::string("the ").append(what).append(why));
  };
  if (text.empty() || text.size() > kMaxName) {
    return bad(" is empty or longer than 1024 bytes");
  }
  while (!text.empty()) {
    const utf8::CodePoint c = utf8::decode(text);
    if (c.value == utf8::kInvalid) {
      return bad(" is not UTF-8");
    }
    if (utf8::is_unsafe_to_print(c.value)) {
      return bad(" has a control character");
    }
    text.remove_prefix(c.length);
  }
  return {};
}

Result<void> check_ascii_name(std::string_view what, std::string_view text) {
  TRY_VOID(check_text_name(what, text));
  for (const char c : text) {
    if (c <= ' ' || c == '\x7F') {  // char is signed: bytes from 0x80 are below too
      return Error(ErrorKind::InvalidArgument,
                   std::string("the ").append(what).append(" has a character that is not allowed"));
    }
  }
  return {};
}

}  // namespace roadstead::crypto
