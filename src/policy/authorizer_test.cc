// SPDX-License-Identifier: Apache-2.0
#include "policy/authorizer.h"

#include <gtest/gtest.h>

namespace roadstead::policy {
namespace {

TEST(FixedAuthorizer, AdministratorsMayDoAll) {
  identity::Principal p;
  p.administrator = true;
  EXPECT_TRUE(FixedAuthorizer().decide({.principal = &p, .verb = "delete", .resource = "users"})
                  .allowed());
}

TEST(FixedAuthorizer, UsersMayUseClustersAndNothingAtTheHub) {
  const identity::Principal p;
  const FixedAuthorizer rule;
  EXPECT_TRUE(rule.decide({.principal = &p, .verb = "delete", .cluster = "a"}).allowed());
  EXPECT_TRUE(rule.decide({.principal = &p, .verb = "list", .resource = "clusters"}).allowed());
  const Decision d = rule.decide({.principal = &p, .verb = "create", .resource = "clusters"});
  EXPECT_FALSE(d.allowed());
  EXPECT_EQ(d.rule, "administrator-only");
  EXPECT_NE(d.reason.find("create clusters"), std::string::npos);
  EXPECT_FALSE(rule.decide({.principal = &p, .verb = "create", .resource = "clusters",
                            .subresource = "registration"})
                   .allowed());
}

TEST(FixedAuthorizer, NobodyMayDoNothing) {
  EXPECT_FALSE(FixedAuthorizer().decide({.verb = "get"}).allowed());
}

}  // namespace
}  // namespace roadstead::policy
