// SPDX-License-Identifier: Apache-2.0
#include "tunnel/header_rules.h"

#include <gtest/gtest.h>

namespace roadstead::tunnel {
namespace {

http::Headers of(std::initializer_list<std::pair<const char*, const char*>> fields) {
  http::Headers h;
  for (const auto& [name, value] : fields) {
    h.add(name, value);
  }
  return h;
}

TEST(HeaderRules, ImpersonationInEverySpellingIsFound) {
  for (const char* name : {"impersonate-user", "impersonate_user", "impersonate-group",
                           "impersonate-uid", "impersonate-extra-x", "impersonate-future-thing",
                           "impersonate", "impersonate_extra_a%2fb", "Impersonate-User"}) {
    EXPECT_TRUE(find_impersonation(of({{"accept", "*/*"}, {name, "x"}})).has_value()) << name;
  }
  EXPECT_FALSE(find_impersonation(of({{"x-impersonate-user", "x"}})).has_value());
}

TEST(HeaderRules, ImpersonationNamedInConnectionIsFound) {
  for (const char* value : {"Impersonate-User", "close,  impersonate-group ,x", "IMPERSONATE_UID",
                            "keep-alive,Impersonate-Extra-Foo"}) {
    EXPECT_TRUE(find_impersonation(of({{"connection", value}})).has_value()) << value;
  }
}

TEST(HeaderRules, RequestKeepsOnlyWhatAMemberMaySee) {
  http::Headers h = of({{"connection", "close, X-Secret"},
                        {"connection", "accept-language"},
                        {"x-secret", "1"},
                        {"accept-language", "zh"},
                        {"accept", "application/json"},
                        {"authorization", "Bearer t"},
                        {"cookie", "a=b"},
                        {"x-remote-user", "root"},
                        {"x_remote_group", "system:masters"},
                        {"x-forwarded-for", "1.2.3.4"},
                        {"rs-identity", "0.0"},
                        {"rs_identity", "0.0"},
                        {"impersonate-user", "root"},
                        {"transfer-encoding", "chunked"},
                        {"upgrade", "websocket"},
                        {"audit-id", "mine"},
                        {"host", "h"},
                        {"user-agent", "kubectl"}});
  strip_request(h);
  EXPECT_EQ(h, of({{"accept", "application/json"}, {"user-agent", "kubectl"}}));
}

TEST(HeaderRules, ResponseLosesWhatWouldRuleTheHubsOrigin) {
  http::Headers h = of({{"content-type", "text/html"},
                        {"set-cookie", "s=1"},
                        {"alt-svc", "h3=\":443\""},
                        {"clear-site-data", "*"},
                        {"service-worker-allowed", "/"},
                        {"strict-transport-security", "max-age=1"},
                        {"rs-upgraded", "1"},
                        {"connection", "x-hop"},
                        {"x-hop", "1"},
                        {"audit-id", "a"}});
  strip_response(h);
  EXPECT_EQ(h, of({{"content-type", "text/html"}, {"audit-id", "a"}}));
}

TEST(HeaderRules, RedirectsStayOnTheMember) {
  EXPECT_TRUE(check_redirect(301, of({{"location", "/api/v1/x/proxy/"}})).ok());
  EXPECT_TRUE(check_redirect(200, of({{"location", "https://evil.example/"}})).ok());
  for (const char* bad :
       {"https://evil.example/", "//evil.example", "/\\evil.example", "evil", ""}) {
    EXPECT_FALSE(check_redirect(307, of({{"location", bad}})).ok()) << bad;
  }
}

TEST(HeaderRules, OnlyTwoUpgradesExist) {
  EXPECT_EQ(*upgrade_protocol(of({{"upgrade", "SPDY/3.1"}})), "spdy/3.1");
  EXPECT_EQ(*upgrade_protocol(of({{"upgrade", "WebSocket"}})), "websocket");
  for (const char* bad : {"h2c", "spdy/3", "websocket, h2c", "TLS/1.0", ""}) {
    EXPECT_FALSE(upgrade_protocol(of({{"upgrade", bad}})).ok()) << bad;
  }
  EXPECT_FALSE(upgrade_protocol(of({{"upgrade", "websocket"}, {"upgrade", "websocket"}})).ok());
}

}  // namespace
}  // namespace roadstead::tunnel
