// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/connect_fault.h"
#include "net/tls_test_support.h"

namespace roadstead::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(ProxyUrl, IsRead) {
  const Result<HttpProxy> proxy = parse_http_proxy("http://us%40er:p%3Aw@proxy.example:3128/");
  ASSERT_TRUE(proxy.ok());
  EXPECT_EQ(format_host_port(proxy->address), "proxy.example:3128");
  EXPECT_EQ(proxy->basic_credentials->reveal(), "us@er:p:w");
  EXPECT_EQ(format_host_port(parse_http_proxy("proxy.example")->address), "proxy.example:80");
  EXPECT_FALSE(parse_http_proxy("HTTP://[::1]:8080")->basic_credentials.has_value());
  EXPECT_EQ(parse_http_proxy("http://only-user@p:1")->basic_credentials->reveal(), "only-user:");
}

TEST(ProxyUrl, RefusesOthersWithoutShowingThePassword) {
  for (const char* url : {"https://proxy.example", "socks5://u:hunter2@p:1080", "http://", "",
                          "http://p:port", "http://p/path", "http://u:hunter2%0a@p:1",
                          "http://u:hunter2%zz@p:1", "http://u:hunter2%4@p:1"}) {
    const Result<HttpProxy> proxy = parse_http_proxy(url);
    ASSERT_FALSE(proxy.ok()) << url;
    EXPECT_THAT(proxy.error().message(), AllOf(HasSubstr("proxy"), Not(HasSubstr("hunter2"))));
  }
}

TEST(NoProxy, Table) {
  struct Case {
    const char* no_proxy;
    const char* target;
    bool bypasses;
  };
  for (const Case& c : {
           Case{"", "hub.example:443", false},
           Case{"*", "hub.example:443", true},
           Case{"hub.example", "hub.example:443", true},
           Case{"hub.example", "HUB.example:443", true},
           Case{"hub.example", "a.hub.example:443", true},
           Case{"hub.example", "nothub.example:443", false},
           Case{".example", "hub.example:443", true},
           Case{".hub.example", "hub.example:443", false},
           Case{"*.example", "hub.example:443", true},
           Case{"other, hub.example ,", "hub.example:443", true},
           Case{"hub.example:443", "hub.example:443", true},
           Case{"hub.example:8443", "hub.example:443", false},
           Case{"10.0.0.0/8", "10.1.2.3:443", true},
           Case{"10.0.0.0/8", "11.1.2.3:443", false},
           Case{"10.128.0.0/9", "10.127.2.3:443", false},
           Case{"10.128.0.0/9", "10.129.2.3:443", true},
           Case{"0.0.0.0/0", "192.0.2.1:443", true},
           Case{"10.0.0.0/33", "10.1.2.3:443", false},
           Case{"10.0.0.0/x", "10.1.2.3:443", false},
           Case{"10.1.2.3", "10.1.2.3:443", true},
           Case{"10.1.2.3:443", "10.1.2.3:443", true},
           Case{"10.1.2.3:80", "10.1.2.3:443", false},
           Case{"2001:db8::/32", "[2001:db8:1::1]:443", true},
           Case{"2001:db8::/32", "[2001:db9::1]:443", false},
           Case{"2001:DB8:0::1", "[2001:db8::1]:443", true},
           Case{"[2001:db8::1]:443", "[2001:db8::1]:443", true},
           Case{"[2001:db8::1]:444", "[2001:db8::1]:443", false},
           Case{"0.2.3", "10.0.2.3:443", false},  // an address has no sub-domains
           Case{"", "localhost:6443", true},
           Case{"", "127.0.0.53:6443", true},
           Case{"", "[::1]:6443", true},
       }) {
    EXPECT_EQ(bypasses_proxy(c.no_proxy, *parse_host_port(c.target, "")), c.bypasses)
        << c.no_proxy << " for " << c.target;
  }
}

// A proxy that answers one connection with a fixed text, in two pieces.
class Connect : public testing::Test {
 protected:
  struct Outcome {
    Result<Socket> socket = Error(ErrorKind::Internal, "not run");
    std::string request;
    std::string after;  // what the client reads behind the answer
  };

  Outcome run(std::string answer, std::optional<Secret> credentials = {},
              Duration limit = std::chrono::seconds(20)) {
    Outcome out;
    shard_.run_until_done(
        body(shard_, pool_, std::move(answer), std::move(credentials), limit, out));
    return out;
  }

 private:
  static io::Task<void> serve(Listener& listener, io::Shard& shard, std::string answer,
                              Outcome& out, StreamPtr& stream) {
    Result<Socket> socket = co_await listener.accept();
    stream = make_tcp_stream(shard, std::move(*socket));
    while (out.request.find("\r\n\r\n") == std::string::npos) {
      out.request += co_await test::read_exactly(*stream, 1);
    }
    EXPECT_TRUE((co_await stream->write_all(answer.substr(0, answer.size() / 2))).ok());
    co_await shard.yield();
    // A client that has seen enough in the first half is gone.
    static_cast<void>(co_await stream->write_all(answer.substr(answer.size() / 2)));
    if (answer.ends_with("END")) {
      EXPECT_TRUE((co_await stream->shutdown_write()).ok());
    }
  }

  static io::Task<void> body(io::Shard& shard, io::BlockingPool& pool, std::string answer,
                             std::optional<Secret> credentials, Duration limit, Outcome& out) {
    auto listener = Listener::open(shard, {"127.0.0.1", "0"});
    ProxySettings settings;
    settings.proxy = HttpProxy{(*listener)->local_address(), std::move(credentials)};
    StreamPtr stream;
    io::TaskGroup group(shard);
    group.spawn(serve(**listener, shard, std::move(answer), out, stream));
    out.socket = co_await dial_through(shard, pool, settings, {"hub.example", "8443"},
                                       Deadline::after(shard.clock(), limit));
    co_await group.join();
    if (out.socket.ok()) {
      stream->close();
      StreamPtr client = make_tcp_stream(shard, Socket(::dup(out.socket->fd()), ""));
      out.after = co_await test::read_exactly(*client, 100);
    }
  }

  SystemClock clock_;
  io::Shard shard_{clock_};
  io::BlockingPool pool_{0, 0};
};

TEST_F(Connect, OpensATunnelAndLeavesWhatFollows) {
  const Outcome out = run("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nfirst bytes");
  ASSERT_TRUE(out.socket.ok()) << out.socket.error().to_string();
  EXPECT_EQ(out.request, "CONNECT hub.example:8443 HTTP/1.1\r\nHost: hub.example:8443\r\n\r\n");
  EXPECT_EQ(out.after, "first bytes");
  EXPECT_THAT(out.socket->peer_address(),
              testing::StartsWith("hub.example:8443 (through proxy 127.0.0.1:"));
}

TEST_F(Connect, SendsCredentials) {
  const Outcome out = run("HTTP/1.0 200 OK\r\n\r\n", Secret("user:password"));
  EXPECT_TRUE(out.socket.ok());
  EXPECT_THAT(out.request, HasSubstr("\r\nProxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"));
}

TEST_F(Connect, OtherAnswersAreTold) {
  const auto error_of = [this](const std::string& answer, std::optional<Secret> credentials = {}) {
    Outcome out = run(answer, std::move(credentials));
    return out.socket.ok() ? "no error" : out.socket.error().to_string();
  };
  EXPECT_THAT(
      error_of("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
      AllOf(HasSubstr("Upstream: proxy 127.0.0.1:"), HasSubstr("CONNECT hub.example:8443"),
            HasSubstr("407 Proxy Authentication Required"), HasSubstr("put user:password@")));
  EXPECT_THAT(error_of("HTTP/1.1 407 No\r\n\r\n", Secret("a:b")),
              HasSubstr("does not accept the user and password"));
  EXPECT_THAT(error_of("HTTP/1.1 403 Not\x1b[31m here\r\n\r\n"), HasSubstr("403 Not?[31m here"));
  EXPECT_THAT(error_of("SSH-2.0-OpenSSH\r\n"), HasSubstr("does not answer as an HTTP proxy"));
  EXPECT_THAT(error_of("HTTP/1.1 2xx\r\n\r\n"), HasSubstr("does not answer as an HTTP proxy"));
  EXPECT_THAT(error_of("HTTP/1.1 200 OK\r\nEND"), HasSubstr("closed the connection"));
  EXPECT_THAT(error_of("HTTP/1.1 200 " + std::string(20'000, 'x')), HasSubstr("too long"));
}

TEST_F(Connect, FaultsAreToldApart) {
  const auto fault_after = [this](const std::string& answer) {
    return fault_of(run(answer).socket.error());
  };
  EXPECT_EQ(fault_after("HTTP/1.1 407 No\r\n\r\n"), ConnectFault::ProxyCredential);
  EXPECT_EQ(fault_after("HTTP/1.1 403 407\r\n\r\n"), ConnectFault::ProxyRefused);
  EXPECT_EQ(fault_after("SSH-2.0-OpenSSH\r\n"), ConnectFault::ProxyRefused);
}

TEST_F(Connect, ASlowProxyMeetsTheDeadline) {
  const Outcome out = run("HTTP/1.1 200 OK\r\n", {}, std::chrono::milliseconds(50));
  ASSERT_FALSE(out.socket.ok());
  EXPECT_EQ(out.socket.error().kind(), ErrorKind::DeadlineExceeded);
  EXPECT_THAT(out.socket.error().message(), HasSubstr("proxy 127.0.0.1:"));
}

}  // namespace
}  // namespace roadstead::net
