// SPDX-License-Identifier: Apache-2.0
// Credentials from request to removal, over the hub's own object API.
#include "controllers/credentials/credential_controller.h"

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "controllers/controller_world_test_support.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "pki/memory_secrets_test_support.h"

namespace roadstead::controllers {
namespace {

namespace json = boost::json;

class CredentialControllerTest : public testing::Test {
 protected:
  CredentialControllerTest() {
    world_.create(users(), {{"apiVersion", "roadstead.io/v1alpha1"},
                            {"kind", "User"},
                            {"metadata", {{"name", "ann"}}},
                            {"spec", json::object()}});
    controller_.refresh();
  }
  ~CredentialControllerTest() override {
    controller_.stop();
    world_.loop.run_until_done(world_.tasks.join());
  }
  void start() {
    world_.tasks.spawn(controller_.run());
    world_.settle();
  }
  const objects::Kind& kind(const char* name) const {
    return *world_.kinds().find_kind("roadstead.io", name);
  }
  kube::Resource users() const { return objects::resource_of(kind("User")); }
  kube::Resource credentials() const { return objects::resource_of(kind("Credential")); }
  pki::Authorities make_authorities() {
    auto made = world_.loop.wait_for(pki::load_or_create_authorities(
        world_.loop, secrets_, sealing_, world_.clock, world_.random));
    CHECK(made.ok(), "no authorities");
    return std::move(*made);
  }
  void request(const std::string& name, const std::string& user) {
    const auto csr =
        crypto::CertificateSigningRequest::create_pem(crypto::PrivateKey::generate_p256(), "login");
    world_.create(credentials(), {{"apiVersion", "roadstead.io/v1alpha1"},
                                  {"kind", "Credential"},
                                  {"metadata", {{"name", name}}},
                                  {"spec",
                                   {{"username", user},
                                    {"request", codec::base64_encode(*csr)},
                                    {"expirationSeconds", 3600}}}});
    world_.settle();
  }
  std::string condition(const std::string& name, const std::string& type) {
    const json::value object = world_.get(credentials(), {"", name});
    const json::object* found = kube::find_condition(object, type);
    return found == nullptr ? "" : std::string(found->at("reason").as_string());
  }
  std::size_t serials() const { return directory_.snapshot()->serials.size(); }

  ControllerWorld world_;
  pki::test::MemorySecrets secrets_;
  crypto::SealedBox sealing_ = pki::test::sealed_box(world_.random);
  pki::Authorities authorities_ = make_authorities();
  identity::Directory directory_{world_.clock};
  int changes_ = 0;
  CredentialController controller_{world_.parts,          *world_.api,  kind("User"),
                                   kind("Credential"),    authorities_, directory_,
                                   [this] { ++changes_; }};
};

TEST_F(CredentialControllerTest, SignsAndTheCertificateCounts) {
  start();
  request("c", "ann");
  EXPECT_EQ(condition("c", "Approved"), "Issued");
  EXPECT_EQ(serials(), 1U);
  EXPECT_TRUE(directory_.snapshot()->serials.contains(
      std::string(codec::string_at(world_.get(credentials(), {"", "c"}), {"status", "serial"}))));
}

TEST_F(CredentialControllerTest, SignsWhatWaitedBeforeTheStart) {
  request("c", "ann");
  EXPECT_EQ(condition("c", "Approved"), "");
  start();
  EXPECT_EQ(condition("c", "Approved"), "Issued");
}

TEST_F(CredentialControllerTest, RefusesForNobody) {
  start();
  request("c", "bob");
  EXPECT_EQ(condition("c", "Failed"), "Refused");
  EXPECT_EQ(serials(), 0U);
}

TEST_F(CredentialControllerTest, ARevocationCountsAtOnce) {
  start();
  request("c", "ann");
  const int before = changes_;
  ASSERT_TRUE(world_.patch(credentials(), {"", "c"}, {{"spec", {{"revoked", true}}}}).ok());
  world_.loop.run_ready_now();  // no time passes
  EXPECT_EQ(serials(), 0U);
  EXPECT_GT(changes_, before);
}

TEST_F(CredentialControllerTest, ANewUserIsKnownAtOnce) {
  start();
  world_.create(users(), {{"apiVersion", "roadstead.io/v1alpha1"},
                          {"kind", "User"},
                          {"metadata", {{"name", "bob"}}},
                          {"spec", {{"administrator", true}}}});
  world_.loop.run_ready_now();
  EXPECT_TRUE(directory_.snapshot()->users.contains("bob"));
}

TEST_F(CredentialControllerTest, ForgetsADayAfterTheEnd) {
  start();
  request("c", "ann");
  world_.loop.run_for(std::chrono::hours(24) + std::chrono::minutes(50));
  EXPECT_TRUE(world_.there(credentials(), {"", "c"}));
  world_.loop.run_for(std::chrono::minutes(25));
  EXPECT_FALSE(world_.there(credentials(), {"", "c"}));
}

}  // namespace
}  // namespace roadstead::controllers
