// SPDX-License-Identifier: Apache-2.0
#include "api/hub_certificates.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/random.h"
#include "io/files.h"
#include "net/tls_test_support.h"
#include "pki/memory_secrets_test_support.h"

namespace roadstead::api {
namespace {

using std::chrono::hours;

class HubCertificatesTest : public testing::Test {
 protected:
  HubCertificatesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "certificates_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    load();
  }
  ~HubCertificatesTest() override { std::filesystem::remove_all(folder_); }

  void load() {
    auto all = shard_.wait_for(
        pki::load_or_create_authorities(shard_, secrets_, sealing_, clock_, random_));
    CHECK(all.ok(), all.error().message());
    authorities_ = std::move(*all);
  }
  HubCertificates& make(bool with_file) {
    HubCertificates::Options options;
    options.dns_names = {"hub.test"};
    if (with_file) {
      options.certificate_file = folder_ + "/tls.crt";
      options.key_file = folder_ + "/tls.key";
    }
    certificates_ = std::make_unique<HubCertificates>(options, authorities_, clock_, contexts_,
                                                      addresses_, telemetry::Logger());
    const auto made = certificates_->make();
    CHECK(made.ok(), made.error().message());
    return *certificates_;
  }
  void renew() { shard_.run_until_done(certificates_->renew(shard_, pool_)); }

  // As a client that trusts these roots sees the server of a context.
  Result<net::StreamPtr> connect(const EdgeContexts::Slot& slot, std::string roots,
                                 std::string name) {
    net::TlsClientOptions client;
    client.roots_pem = std::move(roots);
    const auto context = net::test::must_create<net::TlsClientContext>(std::move(client));
    auto outcome = shard_.wait_for(
        net::test::tls_pair(shard_, net::test::always(slot.load()), context, std::move(name)));
    servers_.push_back(std::move(outcome.server));
    return std::move(outcome.client);
  }
  std::string leaf_seen(const EdgeContexts::Slot& slot, const std::string& name) {
    auto client = connect(slot, addresses_.serving_roots_pem, name);
    CHECK(client.ok(), client.error().message());
    return (*client)->tls()->peer_chain().front();
  }
  void write_files(const net::TlsIdentity& identity) {
    CHECK(io::replace_file(folder_ + "/tls.crt", identity.certificate_chain_pem).ok(), "crt");
    CHECK(io::replace_file(folder_ + "/tls.key", identity.private_key_pem.reveal()).ok(), "key");
  }

  FakeClock clock_{SystemClock().wall()};
  io::Shard shard_{clock_};
  io::BlockingPool pool_{1, 4};
  SystemRandom random_;
  crypto::SealedBox sealing_ = pki::test::sealed_box(random_);
  pki::test::MemorySecrets secrets_;
  std::string folder_;
  pki::Authorities authorities_;
  EdgeContexts contexts_;
  HubAddresses addresses_;
  std::unique_ptr<HubCertificates> certificates_;
  std::vector<Result<net::StreamPtr>> servers_;
};

TEST_F(HubCertificatesTest, AreRenewedAtTwoThirdsAndOpenConnectionsStay) {
  make(false);
  const std::string first = leaf_seen(contexts_.users, "hub.test");
  auto open = connect(contexts_.users, addresses_.serving_roots_pem, "hub.test");
  ASSERT_TRUE(open.ok());
  clock_.advance(hours(24 * 243));
  renew();
  EXPECT_EQ(leaf_seen(contexts_.users, "hub.test"), first);
  clock_.advance(hours(24 * 1));
  const auto tunnel = contexts_.tunnel.load();
  renew();
  EXPECT_NE(leaf_seen(contexts_.users, "hub.test"), first);
  EXPECT_NE(contexts_.tunnel.load(), tunnel);
  // The connection of before the renewal still carries bytes.
  net::Stream& server = **servers_[1];
  ASSERT_TRUE(shard_.wait_for((*open)->write_all(std::string_view("hello"))).ok());
  EXPECT_EQ(shard_.wait_for(net::test::read_exactly(server, 5)), "hello");
}

TEST_F(HubCertificatesTest, AFileIsReadAgainWhenItChanged) {
  net::test::TestCa ca("own CA", {clock_.wall() - hours(1), clock_.wall() + hours(1000)});
  const net::test::Validity valid{clock_.wall() - hours(1), clock_.wall() + hours(900)};
  const auto with_root = [&ca, &valid] {
    net::TlsIdentity made = ca.server({"hub.test"}, {}, valid);
    made.certificate_chain_pem += ca.pem();
    return made;
  };
  write_files(with_root());
  make(true);
  EXPECT_EQ(addresses_.serving_roots_pem, ca.pem());
  const std::string first = leaf_seen(contexts_.users, "hub.test");
  renew();
  EXPECT_EQ(leaf_seen(contexts_.users, "hub.test"), first);
  write_files(with_root());
  renew();
  const std::string second = leaf_seen(contexts_.users, "hub.test");
  EXPECT_NE(second, first);
  // Halfway through a replacement, or when it went wrong, the old one stays.
  ASSERT_TRUE(io::replace_file(folder_ + "/tls.key", with_root().private_key_pem.reveal()).ok());
  renew();
  EXPECT_EQ(leaf_seen(contexts_.users, "hub.test"), second);
  std::filesystem::remove(folder_ + "/tls.crt");
  renew();
  EXPECT_EQ(leaf_seen(contexts_.users, "hub.test"), second);
  write_files(with_root());
  renew();
  EXPECT_NE(leaf_seen(contexts_.users, "hub.test"), second);
}

TEST_F(HubCertificatesTest, ANewAuthorityLeavesNobodyBehind) {
  make(false);
  const std::string old_roots = addresses_.serving_roots_pem;
  const std::string old_pin = authorities_.hub->certificate().fingerprint();
  ASSERT_TRUE(
      shard_.wait_for(pki::rotate_hub_authority(shard_, secrets_, sealing_, clock_, random_)).ok());
  load();
  ASSERT_TRUE(certificates_->make().ok());
  EXPECT_NE(addresses_.serving_roots_pem, old_roots);
  const std::string only_new = authorities_.hub->certificate().pem();
  for (const std::string& roots : {old_roots, only_new, addresses_.serving_roots_pem}) {
    const auto users = connect(contexts_.users, roots, "hub.test");
    EXPECT_TRUE(users.ok()) << users.error().message();
    const auto enrolment = connect(contexts_.enrolment, roots, "enrol.roadstead.internal");
    EXPECT_TRUE(enrolment.ok()) << enrolment.error().message();
  }
  // First contacts by a fingerprint, too: the present one, and one that was written down before.
  for (const std::string& pin : {authorities_.hub->certificate().fingerprint(), old_pin}) {
    net::TlsClientOptions pinned;
    pinned.pinned_ca_sha256 = pin;
    auto outcome = shard_.wait_for(net::test::tls_pair(
        shard_, net::test::always(contexts_.users.load()),
        net::test::must_create<net::TlsClientContext>(std::move(pinned)), "hub.test"));
    EXPECT_TRUE(outcome.client.ok()) << outcome.client.error().message();
  }
}

}  // namespace
}  // namespace roadstead::api
