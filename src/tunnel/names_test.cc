// SPDX-License-Identifier: Apache-2.0
#include "tunnel/names.h"

#include <gtest/gtest.h>

namespace roadstead::tunnel {
namespace {

constexpr std::string_view kUid = "1f2e3d4c-0000-4000-8000-000000000001";

TEST(Names, OfPeopleAndServices) {
  EXPECT_EQ(member_user_name({"user", "lin", std::string(kUid)}), "rs:lin:1f2e3d4c");
  EXPECT_EQ(member_user_name({"service", "sync", std::string(kUid)}), "rs:service:sync:1f2e3d4c");
}

TEST(Names, OfGroups) {
  EXPECT_EQ(*member_group_name("on-call:" + std::string(kUid)), "rs:group:on-call:1f2e3d4c");
}

TEST(Names, NoGroupOfACertificateBecomesOneOfKubernetesOwn) {
  const std::string uid(kUid);
  for (const std::string& organization :
       {std::string("system:masters"), "system:masters:" + uid, "system:nodes:" + uid, ":" + uid,
        uid, std::string("dev"), std::string("dev:"), "dev\n:" + uid, "Dev:" + uid,
        std::string("dev:1f2e3d4c")}) {
    EXPECT_FALSE(member_group_name(organization).ok()) << organization;
  }
}

TEST(Names, OfTunnels) {
  EXPECT_EQ(tunnel_server_name("ack"), "ack.tunnel.roadstead.internal");
  EXPECT_EQ(cluster_of_tunnel_name("ack.tunnel.roadstead.internal"), "ack");
  for (const char* other :
       {"tunnel.roadstead.internal", ".tunnel.roadstead.internal", "a.b.tunnel.roadstead.internal",
        "acktunnel.roadstead.internal", "ack.tunnel.roadstead.internal.example"}) {
    EXPECT_FALSE(cluster_of_tunnel_name(other).has_value()) << other;
  }
}

}  // namespace
}  // namespace roadstead::tunnel
