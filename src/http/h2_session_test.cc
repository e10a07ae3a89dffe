// SPDX-License-Identifier: Apache-2.0
// What one exchange means: heads, bodies, trailers, upgrades, limits.
#include "http/h2_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h2_test_support.h"

namespace roadstead::http {
namespace {

using io::Task;

Task<void> echo(ServerExchange& exchange) {
  const auto body = co_await read_all(exchange);
  if (!body.ok()) {
    co_return;
  }
  ResponseHead head = answer(200);
  head.headers.add("x-target", exchange.request().target);
  head.headers.add("x-method", exchange.request().method);
  head.headers.add("x-authority", exchange.request().authority);
  static_cast<void>(co_await exchange.respond(std::move(head)));
  static_cast<void>(co_await exchange.write(*body));
  static_cast<void>(co_await exchange.finish());
}

// A whole exchange: the request's body, the answer, the answer's body.
struct Outcome {
  ResponseHead head;
  std::string body;
  Headers trailers;
};

Task<void> fetch(H2Session& session, RequestHead request, std::string body, Outcome* out) {
  auto exchange = session.open(std::move(request), body.empty()).value();
  if (!body.empty()) {
    EXPECT_TRUE((co_await exchange->write(body)).ok());
    EXPECT_TRUE((co_await exchange->finish()).ok());
  }
  out->head = (co_await exchange->response()).value();
  out->body = (co_await read_all(*exchange)).value();
  out->trailers = exchange->trailers();
}

Outcome fetched(H2Pair& pair, RequestHead request, std::string body = "") {
  Outcome out;
  pair.loop.run_until_done(fetch(*pair.client, std::move(request), std::move(body), &out));
  return out;
}

TEST(H2Session, Get) {
  H2Pair pair(echo);
  const Outcome out = fetched(pair, get("/api/v1/pods?limit=5"));
  EXPECT_EQ(out.head.status, 200);
  EXPECT_EQ(*out.head.headers.find("x-target"), "/api/v1/pods?limit=5");
  EXPECT_EQ(*out.head.headers.find("x-method"), "GET");
  EXPECT_EQ(*out.head.headers.find("x-authority"), "cluster.test");
  EXPECT_EQ(out.body, "");
  EXPECT_EQ(pair.client->open_streams(), 0U);
  EXPECT_EQ(pair.server->open_streams(), 0U);
}

TEST(H2Session, BodiesBothWays) {
  H2Pair pair(echo);
  for (const int size : {1, 16'384, 65'536, 1'000'001}) {
    const std::string body(static_cast<std::size_t>(size), 'x');
    EXPECT_EQ(fetched(pair, post("/echo"), body).body, body);
  }
  EXPECT_EQ(pair.client->open_streams(), 0U);
  EXPECT_EQ(pair.client->queued_bytes(), 0U);
  EXPECT_EQ(pair.server->queued_bytes(), 0U);
}

Task<void> head_and_no_content(ServerExchange& exchange) {
  ResponseHead head = answer(exchange.request().target == "/none" ? 204 : 200);
  head.headers.add("content-type", "text/plain");
  EXPECT_TRUE((co_await exchange.respond(std::move(head))).ok());
  EXPECT_TRUE((co_await exchange.write("not to be seen")).ok());
  EXPECT_TRUE((co_await exchange.finish()).ok());
}

TEST(H2Session, AnswersWithoutBodyDropWhatIsWritten) {
  H2Pair pair(head_and_no_content);
  RequestHead head = get("/");
  head.method = "HEAD";
  EXPECT_EQ(fetched(pair, head).body, "");
  EXPECT_EQ(fetched(pair, get("/none")).head.status, 204);
  EXPECT_EQ(fetched(pair, get("/")).body, "not to be seen");
}

Task<void> no_answer(ServerExchange&) { co_return; }

TEST(H2Session, AHandlerThatSaysNothingGives500) {
  H2Pair pair(no_answer);
  EXPECT_EQ(fetched(pair, get("/")).head.status, 500);
  EXPECT_EQ(fetched(pair, post("/"), "body that nobody reads").head.status, 500);
}

Task<void> swap_trailers(ServerExchange& exchange) {
  static_cast<void>(co_await read_all(exchange));
  Headers trailers = exchange.trailers();
  trailers.add("x-from", "server");
  static_cast<void>(co_await exchange.respond(answer(200)));
  static_cast<void>(co_await exchange.write("body"));
  static_cast<void>(co_await exchange.finish(std::move(trailers)));
}

Task<void> send_trailers(H2Session& session, Headers* got) {
  auto exchange = session.open(post("/"), false).value();
  Headers trailers;
  trailers.add("x-checksum", "abc");
  EXPECT_TRUE((co_await exchange->write("payload")).ok());
  EXPECT_TRUE((co_await exchange->finish(std::move(trailers))).ok());
  EXPECT_EQ((co_await read_all(*exchange)).value(), "body");
  *got = exchange->trailers();
}

TEST(H2Session, TrailersBothWays) {
  H2Pair pair(swap_trailers);
  Headers got;
  pair.loop.run_until_done(send_trailers(*pair.client, &got));
  Headers want;
  want.add("x-checksum", "abc");
  want.add("x-from", "server");
  EXPECT_EQ(got, want);
}

Task<void> reflect_fields(ServerExchange& exchange) {
  ResponseHead head = answer(200);
  head.headers = exchange.request().headers;
  static_cast<void>(co_await exchange.respond(std::move(head), true));
}

TEST(H2Session, ConnectionFieldsStayHereAndCredentialsAreMarked) {
  H2Pair pair(reflect_fields);
  RequestHead request = get("/");
  request.headers.add("connection", "keep-alive");
  request.headers.add("keep-alive", "5");
  request.headers.add("te", "gzip");
  request.headers.add("transfer-encoding", "chunked");
  request.headers.add("authorization", "Bearer x");
  request.headers.add("x-secret", "s", true);
  request.headers.add("cookie", "a=1");
  request.headers.add("cookie", "b=2");
  request.headers.add("x-plain", "p");
  const Outcome out = fetched(pair, request);
  Headers want;
  want.add("authorization", "Bearer x", true);
  want.add("x-secret", "s", true);
  want.add("x-plain", "p");
  want.add("cookie", "a=1; b=2", true);
  EXPECT_EQ(out.head.headers, want);
}

Task<void> expect_continue(ServerExchange& exchange) {
  const auto body = co_await read_all(exchange);
  ResponseHead head = answer(200);
  head.headers.add("x-body", body.ok() ? *body : "");
  static_cast<void>(co_await exchange.respond(std::move(head), true));
}

TEST(H2Session, InterimAnswersAreSkipped) {
  H2Pair pair(expect_continue);
  RequestHead request = post("/");
  request.headers.add("expect", "100-continue");
  const Outcome out = fetched(pair, request, "data");
  EXPECT_EQ(out.head.status, 200);
  EXPECT_EQ(*out.head.headers.find("x-body"), "data");
}

Task<void> answer_early(ServerExchange& exchange) {
  static_cast<void>(co_await exchange.respond(answer(413)));
  static_cast<void>(co_await exchange.write("too much"));
  static_cast<void>(co_await exchange.finish());
}

Task<void> upload_until_refused(H2Session& session, std::string* body, ErrorKind* write_error) {
  auto exchange = session.open(post("/"), false).value();
  const std::string piece(64 * 1024, 'u');
  for (int i = 0; i < 1000; ++i) {
    const auto written = co_await exchange->write(piece);
    if (!written.ok()) {
      *write_error = written.error().kind();
      break;
    }
  }
  EXPECT_EQ((co_await exchange->response()).value().status, 413);
  *body = (co_await read_all(*exchange)).value();
}

TEST(H2Session, AnEarlyAnswerStopsTheUploadAndIsReadInFull) {
  H2Pair pair(answer_early);
  std::string body;
  ErrorKind write_error = ErrorKind::Internal;
  pair.loop.run_until_done(upload_until_refused(*pair.client, &body, &write_error));
  EXPECT_EQ(body, "too much");
  EXPECT_EQ(write_error, ErrorKind::Cancelled);
  EXPECT_EQ(pair.server->open_streams(), 0U);
}

struct StopReading {
  ErrorKind* read_error;
  Task<void> operator()(ServerExchange& exchange) const {
    exchange.stop_reading();
    *read_error = (co_await exchange.read()).error().kind();
    co_await answer_early(exchange);
  }
};

TEST(H2Session, StopReadingEndsTheRequestsDirectionOnly) {
  ErrorKind read_error = ErrorKind::Internal;
  H2Pair pair(StopReading{&read_error});
  std::string body;
  ErrorKind write_error = ErrorKind::Internal;
  pair.loop.run_until_done(upload_until_refused(*pair.client, &body, &write_error));
  EXPECT_EQ(body, "too much");
  EXPECT_EQ(read_error, ErrorKind::Cancelled);
}

// Raw bytes until the client's end; then says so, which shows that half-close works.
Task<void> upgrade(ServerExchange& exchange) {
  EXPECT_EQ(exchange.request().method, "CONNECT");
  ResponseHead head = answer(200);
  head.headers.add("x-protocol", exchange.request().protocol);
  static_cast<void>(co_await exchange.respond(std::move(head)));
  for (;;) {
    auto piece = co_await exchange.read();
    if (!piece.ok() || piece->empty()) {
      break;
    }
    EXPECT_TRUE((co_await exchange.write(*piece)).ok());
  }
  EXPECT_TRUE((co_await exchange.write("bye")).ok());
  EXPECT_TRUE((co_await exchange.finish()).ok());
}

Task<void> extended_connect(H2Session& session) {
  EXPECT_TRUE((co_await session.wait_settings()).ok());
  EXPECT_TRUE(session.peer_allows_connect_protocol());
  RequestHead head = get("/exec");
  head.protocol = "websocket";
  auto exchange = session.open(std::move(head), false).value();
  const auto response = (co_await exchange->response()).value();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.headers.find("x-protocol"), "websocket");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE((co_await exchange->write("ping")).ok());
    EXPECT_EQ((co_await exchange->read()).value(), "ping");
  }
  EXPECT_TRUE((co_await exchange->finish()).ok());
  EXPECT_EQ((co_await read_all(*exchange)).value(), "bye");
}

TEST(H2Session, ExtendedConnectWithHalfClose) {
  H2Options options;
  options.enable_connect_protocol = true;
  H2Pair pair(upgrade, options);
  pair.loop.run_until_done(extended_connect(*pair.client));
  EXPECT_EQ(pair.handler.ended, 1);
  EXPECT_EQ(pair.server->open_streams(), 0U);
}

Task<void> refuse_connect(ServerExchange& exchange) {
  EXPECT_EQ(exchange.request().method, "CONNECT");
  EXPECT_EQ(exchange.request().target, "");
  EXPECT_EQ(exchange.request().authority, "cluster.test");
  static_cast<void>(co_await exchange.respond(answer(405), true));
}

TEST(H2Session, OrdinaryConnectReachesTheHandler) {
  H2Pair pair(refuse_connect);
  pair.settle();
  EXPECT_FALSE(pair.client->peer_allows_connect_protocol());
  RequestHead head = get("");
  head.method = "CONNECT";
  EXPECT_EQ(fetched(pair, head).head.status, 405);
}

Task<void> large_fields(ServerExchange& exchange) {
  ResponseHead head = answer(200);
  if (exchange.request().target == "/large") {
    for (int i = 0; i < 20; ++i) {
      head.headers.add("x-large-" + std::to_string(i), std::string(1000, 'a'));
    }
  }
  static_cast<void>(co_await exchange.respond(std::move(head), true));
}

TEST(H2Session, TooLargeRequestHeadersGive431WithoutTheHandler) {
  H2Options server;
  server.max_header_bytes = 8000;
  H2Pair pair(large_fields, server);
  RequestHead request = get("/");
  request.headers.add("x-large", std::string(9000, 'a'));
  EXPECT_EQ(fetched(pair, request).head.status, 431);
  EXPECT_EQ(pair.handler.started, 0);
  RequestHead many = get("/");
  for (int i = 0; i < 300; ++i) {
    many.headers.add("x-" + std::to_string(i), "");
  }
  EXPECT_EQ(fetched(pair, many).head.status, 431);
  EXPECT_EQ(fetched(pair, get("/")).head.status, 200);
}

Task<void> failing_fetch(H2Session& session, RequestHead request, ErrorKind* kind) {
  auto exchange = session.open(std::move(request), true).value();
  const auto head = co_await exchange->response();
  *kind = head.ok() ? ErrorKind::Internal : head.error().kind();
}

TEST(H2Session, TooLargeResponseHeadersFailTheirStreamOnly) {
  H2Options client;
  client.max_header_bytes = 8000;
  H2Pair pair(large_fields, {}, client);
  ErrorKind kind = ErrorKind::Internal;
  pair.loop.run_until_done(failing_fetch(*pair.client, get("/large"), &kind));
  EXPECT_EQ(kind, ErrorKind::Upstream);
  EXPECT_EQ(fetched(pair, get("/")).head.status, 200);
}

TEST(H2Session, WhatHttp2CannotCarryIsRefusedBeforeSending) {
  H2Pair pair(echo);
  RequestHead space = get("/a b");
  EXPECT_EQ(pair.client->open(space, true).error().kind(), ErrorKind::InvalidArgument);
  RequestHead upper = get("/");
  upper.headers.add("X-Upper", "1");
  EXPECT_EQ(pair.client->open(upper, true).error().kind(), ErrorKind::InvalidArgument);
  RequestHead pseudo = get("/");
  pseudo.headers.add(":path", "/other");
  EXPECT_EQ(pair.client->open(pseudo, true).error().kind(), ErrorKind::InvalidArgument);
  RequestHead split = get("/");
  split.headers.add("x-a", "1\r\nx-b: 2");
  EXPECT_EQ(pair.client->open(split, true).error().kind(), ErrorKind::InvalidArgument);
  RequestHead large = get("/");
  large.headers.add("x-large", std::string(70'000, 'a'));
  EXPECT_EQ(pair.client->open(large, true).error().kind(), ErrorKind::PayloadTooLarge);
  EXPECT_EQ(pair.client->open_streams(), 0U);
  EXPECT_EQ(fetched(pair, get("/")).head.status, 200);
}

Task<void> wait_for_end(ServerExchange& exchange) { co_await echo(exchange); }

Task<void> fill_streams(H2Session& session, std::vector<ClientExchangePtr>* open) {
  EXPECT_TRUE((co_await session.wait_settings()).ok());
  EXPECT_EQ(session.peer_max_concurrent_streams(), 3U);
  for (int i = 0; i < 3; ++i) {
    open->push_back(session.open(post("/"), false).value());
  }
  const auto refused = session.open(post("/"), false);
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::TooManyRequests);
  EXPECT_TRUE((co_await open->back()->finish()).ok());
  EXPECT_EQ((co_await open->back()->response()).value().status, 200);
  EXPECT_EQ((co_await read_all(*open->back())).value(), "");
  EXPECT_TRUE(session.open(post("/"), false).ok());
}

TEST(H2Session, StreamsBeyondThePeersLimitAreNotSent) {
  H2Options server;
  server.max_concurrent_streams = 3;
  H2Pair pair(wait_for_end, server);
  std::vector<ClientExchangePtr> open;
  pair.loop.run_until_done(fill_streams(*pair.client, &open));
}

}  // namespace
}  // namespace roadstead::http
