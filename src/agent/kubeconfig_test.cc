// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/agent_test_support.h"
#include "agent/api_server_access.h"

namespace roadstead::agent {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kConfig = R"(
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c1
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority: pki/ca.crt}
- name: c2
  cluster: {server: "https://rancher.test/k8s/clusters/x", certificate-authority-data: Q0E=,
            tls-server-name: api.internal}
- name: plain
  cluster: {server: "http://10.0.0.1:8080"}
- name: loose
  cluster: {server: "https://10.0.0.1", insecure-skip-tls-verify: true}
users:
- name: token
  user: {token: abc}
- name: file
  user: {tokenFile: token}
- name: certificate
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
- name: half
  user: {client-certificate-data: Q0VSVA==}
- name: program
  user: {exec: {command: aws}}
- name: nobody
  user: {}
contexts:
- {name: one, context: {cluster: c1, user: token}}
- {name: two, context: {cluster: c2, user: certificate}}
- {name: three, context: {cluster: c1, user: file}}
- {name: plain, context: {cluster: plain, user: token}}
- {name: loose, context: {cluster: loose, user: token}}
- {name: half, context: {cluster: c1, user: half}}
- {name: program, context: {cluster: c1, user: program}}
- {name: nobody, context: {cluster: c1, user: nobody}}
- {name: lost, context: {cluster: gone, user: token}}
)";

Result<ApiServerAccess> read(const std::string& context, std::string* asked = nullptr) {
  return kubeconfig_access(kConfig, context, "/etc/kube/config",
                           [asked](const std::string& path) -> Result<std::string> {
                             if (asked != nullptr) {
                               *asked = path;
                             }
                             return "CA";
                           });
}

TEST(Kubeconfig, ReadsTheCurrentContext) {
  std::string asked;
  const auto a = read("", &asked);
  ASSERT_TRUE(a.ok()) << a.error().message();
  EXPECT_EQ(a->address.host, "10.0.0.1");
  EXPECT_EQ(a->address.port, "6443");
  EXPECT_EQ(a->base_path, "");
  EXPECT_EQ(a->token.reveal(), "abc");
  EXPECT_EQ(a->roots_pem, "CA");
  EXPECT_EQ(asked, "/etc/kube/pki/ca.crt") << "relative to the kubeconfig";
}

TEST(Kubeconfig, ReadsCertificatesPathsAndServerNames) {
  const auto a = read("two");
  ASSERT_TRUE(a.ok()) << a.error().message();
  EXPECT_EQ(a->address.port, "443");
  EXPECT_EQ(a->base_path, "/k8s/clusters/x");
  EXPECT_EQ(a->server_name, "api.internal");
  EXPECT_EQ(a->identity->certificate_chain_pem, "CERT");
  EXPECT_EQ(a->identity->private_key_pem.reveal(), "KEY");
  EXPECT_EQ(read("three")->token_file, "/etc/kube/token");
}

TEST(Kubeconfig, RefusesWhatIsUnsafeOrIncompleteByName) {
  const auto message = [](const std::string& context) {
    const auto a = read(context);
    return a.ok() ? std::string("accepted") : a.error().message();
  };
  EXPECT_THAT(message("plain"), HasSubstr("clusters[].cluster.server: must begin with https://"));
  EXPECT_THAT(message("loose"), HasSubstr("insecure-skip-tls-verify: is not supported"));
  EXPECT_THAT(message("half"), HasSubstr("go together"));
  EXPECT_THAT(message("program"), HasSubstr("users[].user.exec: is not supported"));
  EXPECT_THAT(message("nobody"), HasSubstr("neither a token nor a client certificate"));
  EXPECT_THAT(message("lost"), HasSubstr("clusters: there is no entry \"gone\""));
  EXPECT_THAT(message("absent"), HasSubstr("contexts: there is no entry \"absent\""));
  EXPECT_FALSE(kubeconfig_access("kind: Pod", "", "f", nullptr).ok());
  EXPECT_FALSE(kubeconfig_access("{", "", "f", nullptr).ok());
}

TEST(ApiServerAccess, TheFingerprintDoesNotDependOnTheOrderOfTheBundle) {
  World world;
  TestCa a(world, "a");
  TestCa b(world, "b");
  ApiServerAccess one;
  one.roots_pem = a.pem();
  EXPECT_EQ(*one.ca_fingerprint(), a.certificate().fingerprint());
  ApiServerAccess ab;
  ab.roots_pem = a.pem() + b.pem();
  ApiServerAccess ba;
  ba.roots_pem = b.pem() + a.pem() + b.pem();
  EXPECT_EQ(*ab.ca_fingerprint(), *ba.ca_fingerprint());
  EXPECT_NE(*ab.ca_fingerprint(), *one.ca_fingerprint());
}

TEST(ApiServerAccess, SaysThatThisIsNoPod) {
  const auto a = in_cluster_access("", "", "/nowhere");
  ASSERT_FALSE(a.ok());
  EXPECT_THAT(a.error().message(), HasSubstr("--kubeconfig"));
  const auto b = in_cluster_access("10.96.0.1", "443", "/nowhere");
  ASSERT_FALSE(b.ok());
  EXPECT_THAT(b.error().message(), HasSubstr("automountServiceAccountToken"));
}

}  // namespace
}  // namespace roadstead::agent
