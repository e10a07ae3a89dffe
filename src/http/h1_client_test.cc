// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "http/h1_test_support.h"

namespace roadstead::http {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

// What one exchange gave, as far as it came.
struct Outcome {
  std::optional<Error> open_error;
  std::optional<Error> error;
  int status = 0;
  std::string body;
  Headers trailers;
  bool done = false;
};

class H1ClientTest : public testing::Test {
 protected:
  void SetUp() override { fresh(); }
  void TearDown() override {
    client_->close();
    world_.settle();
  }

  void fresh() {
    auto [near, far] = net::make_pipe(world_.loop);
    exchange_.reset();
    client_ = H1Client::create(std::move(near), {});
    server_ = std::make_unique<RawEnd>(world_, std::move(far));
  }

  io::Task<void> request(RequestHead head, std::optional<std::string> body) {
    outcome_ = Outcome();
    Result<ClientExchangePtr> opened = co_await client_->open(std::move(head), !body.has_value());
    if (!opened.ok()) {
      outcome_.open_error = opened.error();
      outcome_.done = true;
      co_return;
    }
    exchange_ = std::move(opened).value();
    if (body.has_value()) {
      Result<void> sent = co_await exchange_->write(*body);
      if (sent.ok()) {
        sent = co_await exchange_->finish({});
      }
      if (!sent.ok()) {
        outcome_.error = sent.error();
      }
    }
    co_await take_response();
    outcome_.done = true;
  }
  io::Task<void> take_response() {
    const Result<ResponseHead> head = co_await exchange_->response();
    if (!head.ok()) {
      outcome_.error = head.error();
      co_return;
    }
    outcome_.status = head->status;
    for (;;) {
      const Result<std::string> piece = co_await exchange_->read();
      if (!piece.ok()) {
        outcome_.error = piece.error();
        co_return;
      }
      if (piece->empty()) {
        outcome_.trailers = exchange_->trailers();
        co_return;
      }
      outcome_.body += *piece;
    }
  }
  // Sends a GET and the server's answer to it.
  const Outcome& get(const std::string& answer, RequestHead head = make_request("GET", "/a")) {
    group_.spawn(request(std::move(head), std::nullopt));
    sent_ = server_->received();
    server_->send(answer);
    return outcome_;
  }

  World world_;
  io::TaskGroup group_{world_.loop};
  std::unique_ptr<H1Client> client_;
  std::unique_ptr<RawEnd> server_;
  ClientExchangePtr exchange_;
  Outcome outcome_;
  std::string sent_;
};

TEST_F(H1ClientTest, SendsAndReuses) {
  Headers headers;
  headers.add("accept", "x");
  headers.add("connection", "x-secret");
  headers.add("transfer-encoding", "gzip");
  headers.add("host", "other");
  get("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", make_request("GET", "/%2e?b", headers));
  EXPECT_EQ(sent_, "GET /%2e?b HTTP/1.1\r\nhost: example.test\r\naccept: x\r\n\r\n");
  EXPECT_EQ(outcome_.body, "hello");
  EXPECT_FALSE(client_->reusable()) << "the exchange is still there";
  exchange_.reset();
  EXPECT_TRUE(client_->reusable());

  group_.spawn(request(make_request("POST", "/"), "abc"));
  EXPECT_EQ(server_->received(),
            "POST / HTTP/1.1\r\nhost: example.test\r\ntransfer-encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n0\r\n\r\n");
  server_->send(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nde\r\n0\r\nx-sum: 1\r\n\r\n");
  EXPECT_EQ(outcome_.status, 201);
  EXPECT_EQ(outcome_.body, "de");
  EXPECT_TRUE(outcome_.trailers.has("x-sum"));
  exchange_.reset();
  EXPECT_TRUE(client_->reusable());

  headers.clear();
  headers.add("content-length", "3");
  group_.spawn(request(make_request("PUT", "/", headers), "abc"));
  EXPECT_EQ(server_->received(),
            "PUT / HTTP/1.1\r\nhost: example.test\r\ncontent-length: 3\r\n\r\nabc");
  server_->send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(outcome_.status, 204);
  exchange_.reset();

  get("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", make_request("HEAD", "/"));
  EXPECT_EQ(outcome_.status, 200);
  EXPECT_TRUE(outcome_.done);
  exchange_.reset();
  EXPECT_TRUE(client_->reusable());

  get("HTTP/1.1 302 Found\r\nLocation: https://evil/\r\nContent-Length: 0\r\n\r\n",
      make_request("POST", "/"));
  EXPECT_THAT(sent_, HasSubstr("content-length: 0\r\n"));
  EXPECT_EQ(outcome_.status, 302) << "redirects are the caller's business";
}

TEST_F(H1ClientTest, RefusesToSendWhatSplits) {
  Headers evil;
  evil.add("a", "b\r\nc: d");
  Headers upper;
  upper.add("A", "b");
  Headers length;
  length.add("content-length", "5");
  RequestHead host = make_request("GET", "/");
  host.authority = "a\r\nb";
  for (const RequestHead& head :
       {make_request("GET", "/a b"), make_request("GET", "a"), make_request("GET", "/\r\n"),
        make_request("GET", "https://x/"), make_request("G T", "/"), make_request("CONNECT", "/"),
        make_request("GET", "/", evil), make_request("GET", "/", upper),
        make_request("GET", "/", length), host}) {
    group_.spawn(request(head, std::nullopt));
    EXPECT_EQ(server_->received(), "");
    ASSERT_TRUE(outcome_.open_error.has_value());
    EXPECT_EQ(outcome_.open_error->kind(), ErrorKind::InvalidArgument);
  }
  EXPECT_TRUE(client_->reusable());
}

TEST_F(H1ClientTest, ReadsUntilClose) {
  get("HTTP/1.1 200 OK\r\n\r\nab");
  server_->send("cd");
  EXPECT_FALSE(outcome_.done);
  server_->half_close();
  EXPECT_EQ(outcome_.body, "abcd");
  EXPECT_FALSE(outcome_.error.has_value());
  exchange_.reset();
  EXPECT_FALSE(client_->reusable());
}

TEST_F(H1ClientTest, RefusesHostileResponses) {
  for (const std::string& answer : std::vector<std::string>{
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
           "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\na",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA: " + std::string(70000, 'a') + "\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
           "<html>"
           "\r\n\r\n"}) {
    fresh();
    get(answer);
    ASSERT_TRUE(outcome_.error.has_value()) << answer.substr(0, 60);
    EXPECT_EQ(outcome_.error->kind(), ErrorKind::Protocol) << outcome_.error->to_string();
    exchange_.reset();
    EXPECT_FALSE(client_->reusable());
    server_->received();
    EXPECT_TRUE(server_->ended() || server_->failed());
  }
}

TEST_F(H1ClientTest, BoundsInterimResponses) {
  std::string answer;
  for (int i = 0; i < 10; ++i) {
    answer += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  get(answer + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(outcome_.status, 200);
  fresh();
  get(answer + "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(outcome_.error->kind(), ErrorKind::Protocol);
}

TEST_F(H1ClientTest, IsNotReusedAfterLeftOverBytesOrATruncatedBody) {
  get("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\nsmuggled");
  EXPECT_EQ(outcome_.body, "a");
  exchange_.reset();
  EXPECT_FALSE(client_->reusable());

  fresh();
  get("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na");
  server_->half_close();
  EXPECT_EQ(outcome_.error->kind(), ErrorKind::EndOfStream);

  fresh();
  get("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(outcome_.status, 200);
  exchange_.reset();
  EXPECT_FALSE(client_->reusable());
}

TEST_F(H1ClientTest, SaysWhenNothingWasSent) {
  server_->close();
  EXPECT_FALSE(client_->reusable());
  get("");
  EXPECT_EQ(outcome_.open_error->kind(), ErrorKind::Unavailable);

  fresh();
  get("");
  server_->close();
  ASSERT_TRUE(outcome_.error.has_value());
  EXPECT_EQ(outcome_.error->kind(), ErrorKind::EndOfStream);
  EXPECT_FALSE(exchange_->not_processed());
}

TEST_F(H1ClientTest, DroppingAnUnfinishedExchangeCloses) {
  group_.spawn(request(make_request("GET", "/"), std::nullopt));
  world_.settle();
  exchange_->reset();
  world_.settle();
  EXPECT_EQ(outcome_.error->kind(), ErrorKind::Cancelled);
  exchange_.reset();
  EXPECT_FALSE(client_->reusable());
  server_->received();
  EXPECT_TRUE(server_->ended());
}

TEST_F(H1ClientTest, LimitsTheTimeOfAHeadButNotTheWaitForIt) {
  group_.spawn(request(make_request("GET", "/"), std::nullopt));
  world_.loop.run_for(seconds(300));
  EXPECT_FALSE(outcome_.done);
  server_->send("HTTP/1.1 200");
  world_.loop.run_for(seconds(29));
  EXPECT_FALSE(outcome_.done);
  world_.loop.run_for(seconds(2));
  EXPECT_EQ(outcome_.error->kind(), ErrorKind::DeadlineExceeded);
}

RequestHead upgrade_request() {
  Headers headers;
  headers.add("connection", "keep-alive, Upgrade");
  headers.add("upgrade", "SPDY/3.1");
  return make_request("POST", "/exec", headers);
}

TEST_F(H1ClientTest, UpgradesWithReadAheadAndHalfCloses) {
  group_.spawn(request(upgrade_request(), std::nullopt));
  EXPECT_EQ(server_->received(),
            "POST /exec HTTP/1.1\r\nhost: example.test\r\nupgrade: SPDY/3.1\r\n"
            "content-length: 0\r\nconnection: Upgrade\r\n\r\n");
  server_->send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\n"
      "Connection: Upgrade\r\n\r\nearly");
  EXPECT_EQ(outcome_.status, 101);
  EXPECT_EQ(outcome_.body, "early");

  struct Say {
    static io::Task<void> words(ClientExchange& exchange) {
      EXPECT_TRUE((co_await exchange.write("HTTP/1.1 raw\n")).ok());
      EXPECT_TRUE((co_await exchange.finish({})).ok());
    }
  };
  group_.spawn(Say::words(*exchange_));
  EXPECT_EQ(server_->received(), "HTTP/1.1 raw\n");
  EXPECT_TRUE(server_->ended());
  server_->send("late");
  server_->half_close();
  EXPECT_EQ(outcome_.body, "earlylate");
  EXPECT_TRUE(outcome_.done);
  EXPECT_FALSE(outcome_.error.has_value());
  exchange_.reset();
  EXPECT_FALSE(client_->reusable());
}

TEST_F(H1ClientTest, IsSpentByARefusedUpgrade) {
  for (const std::string& status : {"200 OK", "302 Found", "403 Forbidden", "500 Oops"}) {
    fresh();
    get("HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n\r\nno", upgrade_request());
    EXPECT_EQ(outcome_.body, "no");
    struct Say {
      static io::Task<void> words(ClientExchange& exchange) {
        const Result<void> sent = co_await exchange.write("GET /smuggled HTTP/1.1\r\n\r\n");
        EXPECT_EQ(sent.error().kind(), ErrorKind::InvalidArgument);
      }
    };
    group_.spawn(Say::words(*exchange_));
    EXPECT_EQ(server_->received(), "");
    exchange_.reset();
    EXPECT_FALSE(client_->reusable());
    server_->received();
    EXPECT_TRUE(server_->ended());
  }
}

TEST_F(H1ClientTest, TakesAnAnswerThatComesBeforeTheBodyHasEnded) {
  group_.spawn(request(make_request("POST", "/"), std::string(1 << 20, 'a')));
  EXPECT_THAT(server_->received(), StartsWith("POST / HTTP/1.1"));
  EXPECT_TRUE(outcome_.done == false);
  server_->send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  server_->close();
  EXPECT_TRUE(outcome_.done);
}

}  // namespace
}  // namespace roadstead::http
