// SPDX-License-Identifier: Apache-2.0
// Upgrades through a lane: exec, attach, port-forward.
#include "agent/lane_test_support.h"

namespace roadstead::agent {
namespace {

class UpgradeTest : public LaneTest {
 protected:
  http::RequestHead upgrade() {
    http::RequestHead head = request("CONNECT", "/api/v1/namespaces/a/pods/b/exec?command=sh");
    head.protocol = "spdy/3.1";
    head.headers.add("rs-method", "POST");
    return head;
  }
  static io::Task<void> echo(http::ServerExchange& exchange) {
    http::ResponseHead head;
    head.status = 101;
    head.headers.add("connection", "Upgrade");
    head.headers.add("upgrade", "SPDY/3.1");
    if ((co_await exchange.respond(std::move(head))).ok()) {
      static_cast<void>(co_await http::relay(exchange, exchange));
    }
  }
};

TEST_F(UpgradeTest, CarriesBytesBothWaysAfter101) {
  be("ann");
  api_ = echo;
  const Answer answer = send(upgrade(), "some bytes");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("rs-upgraded"), "1");
  EXPECT_EQ(answer.body, "some bytes");
  ASSERT_EQ(seen_.size(), 1U);
  EXPECT_EQ(seen_[0].head.method, "POST");
  EXPECT_EQ(*seen_[0].head.headers.find("upgrade"), "SPDY/3.1");
  EXPECT_EQ(*seen_[0].head.headers.find("impersonate-user"), "rs:ann:aaaaaaaa");
}

TEST_F(UpgradeTest, AFailedUpgradeNeverBecomesASecondRequest) {
  be("ann");
  api_ = [](http::ServerExchange& e) { return reply(e, 403, "no exec for you"); };
  // What follows a refused upgrade is what a smuggler would send with the Agent's own rights.
  const Answer answer = send(upgrade(), "GET /api/v1/secrets HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "no exec for you");
  world_.settle();
  EXPECT_EQ(seen_.size(), 1U);
  EXPECT_EQ(api_server_.server.open(), 0U) << "the connection was closed";
  api_ = nullptr;
  EXPECT_EQ(send(request("GET", "/api")).status, 200);
  EXPECT_EQ(api_server_.server.connections, 2);
}

TEST_F(UpgradeTest, RefusesASwitchToAnotherProtocol) {
  be("ann");
  using Fields = std::vector<std::pair<std::string, std::string>>;
  for (const Fields& fields : {Fields{{"connection", "Upgrade"}, {"upgrade", "h2c"}},
                               Fields{{"connection", "Upgrade"}, {"upgrade", "SPDY/3.1, h2c"}},
                               Fields{{"upgrade", "SPDY/3.1"}}}) {
    api_ = [&fields](http::ServerExchange& e) {
      http::Headers headers;
      for (const auto& [name, value] : fields) {
        headers.add(name, value);
      }
      return reply(e, 101, "", headers);
    };
    const Answer answer = send(upgrade(), "GET /api/v1/secrets HTTP/1.1\r\nhost: a\r\n\r\n");
    EXPECT_EQ(answer.header("rs-error"), tunnel::kErrorFailed);
    EXPECT_NE(answer.header("rs-upgraded"), "1");
  }
}

TEST_F(UpgradeTest, RefusesARedirectOfAnUpgrade) {
  be("ann");
  api_ = [](http::ServerExchange& e) {
    http::Headers headers;
    headers.add("location", "/elsewhere");
    return reply(e, 302, "", headers);
  };
  EXPECT_EQ(send(upgrade()).header("rs-error"), tunnel::kErrorFailed);
}

TEST_F(UpgradeTest, RefusesAnUpgradeToSomethingElse) {
  be("ann");
  http::RequestHead head = upgrade();
  head.protocol = "h2c";
  EXPECT_EQ(send(std::move(head)).header("rs-error"), tunnel::kErrorRefusedRequest);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(UpgradeTest, RefusesAnUpgradeWithoutItsMethod) {
  be("ann");
  http::RequestHead head = upgrade();
  head.headers.remove("rs-method");
  EXPECT_EQ(send(std::move(head)).header("rs-error"), tunnel::kErrorRefusedRequest);
}

}  // namespace
}  // namespace roadstead::agent
