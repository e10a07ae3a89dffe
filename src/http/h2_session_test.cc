// SPDX-License-Identifier: Apache-2.0
#include "http/h2_session.h"

#include <gtest/gtest.h>

#include <string>

#include "http/h2_test_support.h"

namespace roadstead::http {
namespace {

using io::Task;

Task<void> echo(ServerExchange& exchange) {
  const auto body = co_await read_all(exchange);
  if (!body.ok()) {
    co_return;
  }
  ResponseHead head{200, {}};
  head.headers.add("x-target", exchange.request().target);
  head.headers.add("x-method", exchange.request().method);
  head.headers.add("x-authority", exchange.request().authority);
  static_cast<void>(co_await exchange.respond(std::move(head)));
  static_cast<void>(co_await exchange.write(*body));
  static_cast<void>(co_await exchange.finish());
}

Task<void> one_get(H2Session& session) {
  auto exchange = session.open(get("/api/v1/pods?limit=5"), true);
  EXPECT_TRUE(exchange.ok());
  auto head = co_await (*exchange)->response();
  EXPECT_TRUE(head.ok());
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(*head->headers.find("x-target"), "/api/v1/pods?limit=5");
  EXPECT_EQ(*head->headers.find("x-method"), "GET");
  EXPECT_EQ(*head->headers.find("x-authority"), "cluster.test");
  const auto body = co_await read_all(**exchange);
  EXPECT_TRUE(body.ok());
  EXPECT_EQ(*body, "");
}

TEST(H2Session, Get) {
  H2Pair pair(echo);
  pair.loop.run_until_done(one_get(*pair.client));
  EXPECT_EQ(pair.client->open_streams(), 0U);
  EXPECT_EQ(pair.server->open_streams(), 0U);
}

Task<void> one_post(H2Session& session, std::string body) {
  auto exchange = session.open(post("/echo"), false);
  EXPECT_TRUE(exchange.ok());
  EXPECT_TRUE((co_await (*exchange)->write(body)).ok());
  EXPECT_TRUE((co_await (*exchange)->finish()).ok());
  auto head = co_await (*exchange)->response();
  EXPECT_TRUE(head.ok());
  const auto answer = co_await read_all(**exchange);
  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(*answer, body);
}

TEST(H2Session, BodiesBothWays) {
  H2Pair pair(echo);
  pair.loop.run_until_done(one_post(*pair.client, "hello"));
  pair.loop.run_until_done(one_post(*pair.client, std::string(1'000'000, 'x')));
  EXPECT_EQ(pair.client->open_streams(), 0U);
  EXPECT_EQ(pair.client->queued_bytes(), 0U);
  EXPECT_EQ(pair.server->queued_bytes(), 0U);
}

}  // namespace
}  // namespace roadstead::http
