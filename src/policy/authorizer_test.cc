// SPDX-License-Identifier: Apache-2.0
#include "policy/authorizer.h"

#include <gtest/gtest.h>

namespace roadstead::policy {
namespace {

TEST(FixedAuthorizer, AdministratorsMayDoAll) {
  identity::Principal p;
  p.administrator = true;
  EXPECT_TRUE(
      FixedAuthorizer().decide({.principal = &p, .verb = "delete", .resource = "users"}).allowed());
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
  EXPECT_FALSE(rule.decide({.principal = &p,
                            .verb = "create",
                            .resource = "clusters",
                            .subresource = "registration"})
                   .allowed());
}

TEST(FixedAuthorizer, UsersReachTheirOwnThings) {
  identity::Principal p;
  p.subject.name = "ann";
  const FixedAuthorizer rule;
  const auto may = [&](std::string_view verb, std::string_view resource,
                       std::string_view subresource, std::string_view name,
                       std::string_view owner) {
    return rule
        .decide({.principal = &p,
                 .verb = verb,
                 .resource = resource,
                 .subresource = subresource,
                 .name = name,
                 .owner = owner})
        .allowed();
  };
  EXPECT_TRUE(may("get", "clusters", "connection", "ack", ""));
  EXPECT_TRUE(may("get", "users", "", "ann", ""));
  EXPECT_TRUE(may("get", "credentials", "", "ann-1", "ann"));
  EXPECT_TRUE(may("patch", "credentials", "", "ann-1", "ann"));
  EXPECT_FALSE(may("get", "users", "", "bob", ""));
  EXPECT_FALSE(may("create", "users", "logincode", "ann", ""));
  EXPECT_FALSE(may("get", "credentials", "", "bob-1", "bob"));
  EXPECT_FALSE(may("list", "credentials", "", "", ""));
  EXPECT_FALSE(may("update", "credentials", "status", "ann-1", "ann"));
}

TEST(FixedAuthorizer, NobodyMayDoNothing) {
  EXPECT_FALSE(FixedAuthorizer().decide({.verb = "get"}).allowed());
}

}  // namespace
}  // namespace roadstead::policy
