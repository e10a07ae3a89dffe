// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "io/sleep.h"
#include "net/address.h"
#include "net/net_test_support.h"
#include "net/socket.h"

namespace roadstead::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(HostPortText, IsReadAndWritten) {
  struct Case {
    const char* text;
    const char* host;
    const char* port;
    const char* written;
  };
  for (const Case& c : {
           Case{"hub.example:8443", "hub.example", "8443", "hub.example:8443"},
           Case{"hub.example", "hub.example", "443", "hub.example:443"},
           Case{"192.0.2.1:80", "192.0.2.1", "80", "192.0.2.1:80"},
           Case{"[2001:db8::1]:8443", "2001:db8::1", "8443", "[2001:db8::1]:8443"},
           Case{"[2001:db8::1]", "2001:db8::1", "443", "[2001:db8::1]:443"},
           Case{"2001:db8::1", "2001:db8::1", "443", "[2001:db8::1]:443"},
           Case{"[::]:0", "::", "0", "[::]:0"},
       }) {
    const Result<HostPort> parsed = parse_host_port(c.text, "443");
    ASSERT_TRUE(parsed.ok()) << c.text;
    EXPECT_EQ(parsed->host, c.host);
    EXPECT_EQ(parsed->port, c.port);
    EXPECT_EQ(format_host_port(*parsed), c.written);
  }
}

TEST(HostPortText, RefusesWhatIsNoHostAndPort) {
  for (const char* text :
       {"",       ":443",       "hub:",        "hub:x",    "hub:70000",       "hub:-1",
        "hub: 1", "[::1",       "[::1]x",      "[]:1",     "https://hub:443", "hub/path",
        "a b",    "user@hub",   "hub\r\nX: y", "hub:443 ", "[[::1]]:1",       "::1]:84)3",
        "a:b:c",  "h\xc3\xbc:1"}) {
    const Result<HostPort> parsed = parse_host_port(text, "443");
    EXPECT_FALSE(parsed.ok()) << text;
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.error().kind(), ErrorKind::InvalidArgument) << text;
    }
  }
  EXPECT_FALSE(parse_host_port("hub", "").ok());
}

class Dial : public testing::Test {
 protected:
  Result<Socket> dial_to(HostPort address, Duration limit = std::chrono::seconds(20)) {
    Result<Socket> out(Error(ErrorKind::Internal, "not run"));
    const auto body = [](io::Shard& shard, io::BlockingPool& pool, HostPort to, Duration d,
                         Result<Socket>& result) -> io::Task<void> {
      result = co_await dial(shard, pool, std::move(to), Deadline::after(shard.clock(), d));
    };
    shard_.run_until_done(body(shard_, pool_, std::move(address), limit, out));
    return out;
  }

  SystemClock clock_;
  io::Shard shard_{clock_};
  io::BlockingPool pool_{1, 4};
};

TEST_F(Dial, ReachesAListenerByNameAndAddress) {
  auto listener = Listener::open(shard_, {"127.0.0.1", "0"});
  ASSERT_TRUE(listener.ok());
  const std::string port = (*listener)->local_address().port;
  EXPECT_NE(port, "0");
  EXPECT_TRUE(dial_to({"127.0.0.1", port}).ok());
  const Result<Socket> by_name = dial_to({"localhost", port});
  ASSERT_TRUE(by_name.ok()) << by_name.error().to_string();
  EXPECT_EQ(by_name->peer_address(), "127.0.0.1:" + port);
}

TEST_F(Dial, ReachesIpv6) {
  auto listener = Listener::open(shard_, {"::1", "0"});
  if (!listener.ok()) {
    GTEST_SKIP() << "no IPv6 loopback here: " << listener.error().message();
  }
  const Result<Socket> socket = dial_to((*listener)->local_address());
  ASSERT_TRUE(socket.ok());
  EXPECT_THAT(socket->peer_address(), StartsWith("[::1]:"));
}

TEST_F(Dial, ARefusalIsTold) {
  std::string port;
  {
    auto listener = Listener::open(shard_, {"127.0.0.1", "0"});
    port = (*listener)->local_address().port;
  }
  const Result<Socket> socket = dial_to({"127.0.0.1", port});
  ASSERT_FALSE(socket.ok());
  EXPECT_EQ(socket.error().to_string(),
            "Network: connect 127.0.0.1:" + port + ": connection refused");
}

TEST_F(Dial, AnUnknownNameIsTold) {
  const Result<Socket> socket = dial_to({"no-such-host.invalid", "443"});
  ASSERT_FALSE(socket.ok());
  EXPECT_EQ(socket.error().kind(), ErrorKind::Network);
  EXPECT_THAT(socket.error().message(), StartsWith("resolve \"no-such-host.invalid\": "));
}

// A listener whose backlog is full drops the next SYN: the one way to be silent on a loopback.
TEST_F(Dial, SilenceIsTold) {
  const Socket quiet(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(quiet.fd(), generic, length), 0);
  ASSERT_EQ(::listen(quiet.fd(), 0), 0);
  ASSERT_EQ(::getsockname(quiet.fd(), generic, &length), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  std::vector<Socket> fill;
  Result<Socket> last = Error(ErrorKind::Internal, "not run");
  for (int i = 0; i < 8; ++i) {
    last = dial_to({"127.0.0.1", port}, std::chrono::milliseconds(100));
    if (!last.ok()) {
      break;
    }
    fill.push_back(std::move(*last));
  }
  ASSERT_FALSE(last.ok());
  EXPECT_THAT(last.error().to_string(), AllOf(StartsWith("DeadlineExceeded: connect 127.0.0.1:"),
                                              HasSubstr(": no answer within ")));
}

// The pool's only thread is kept busy, so the look-up cannot end before the deadline; it ends
// after its caller has gone.
TEST_F(Dial, ADeadlinePassesWhileTheNameIsStillLookedUp) {
  std::atomic<bool> release{false};
  std::atomic<bool> looked_up{false};
  ASSERT_TRUE(pool_.submit([&release] {
    while (!release) {
      std::this_thread::yield();
    }
  }));
  const Result<Socket> socket = dial_to({"localhost", "1"}, std::chrono::milliseconds(30));
  ASSERT_FALSE(socket.ok());
  EXPECT_EQ(socket.error().to_string(),
            "DeadlineExceeded: resolve \"localhost\": no answer in time");
  release = true;
  ASSERT_TRUE(pool_.submit([&looked_up] { looked_up = true; }));
  while (!looked_up) {
    std::this_thread::yield();
  }
}

TEST_F(Dial, AFullPoolIsTold) {
  io::BlockingPool none(0, 0);
  Result<Socket> out(Error(ErrorKind::Internal, "not run"));
  const auto body = [](io::Shard& shard, io::BlockingPool& pool,
                       Result<Socket>& result) -> io::Task<void> {
    result = co_await dial(shard, pool, {"hub.example", "1"}, test::soon(shard));
  };
  shard_.run_until_done(body(shard_, none, out));
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().kind(), ErrorKind::TooManyRequests);
}

TEST(ListenerTest, CloseEndsAccept) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto body = [](io::Shard& s) -> io::Task<void> {
    auto listener = Listener::open(s, {"127.0.0.1", "0"});
    Result<Socket> accepted(Error(ErrorKind::Internal, "not run"));
    const auto waiting = [](Listener& l, Result<Socket>& out) -> io::Task<void> {
      out = co_await l.accept();
    };
    io::TaskGroup group(s);
    group.spawn(waiting(**listener, accepted));
    co_await s.yield();
    EXPECT_EQ(group.running(), 1u);
    (*listener)->close();
    co_await group.join();
    EXPECT_EQ(accepted.error().kind(), ErrorKind::Cancelled);
  };
  shard.run_until_done(body(shard));
}

TEST(ListenerTest, SeveralMayShareAPortAndOneMayBeAdopted) {
  SystemClock clock;
  io::Shard shard(clock);
  auto first = Listener::open(shard, {"127.0.0.1", "0"}, true);
  ASSERT_TRUE(first.ok());
  const HostPort address = (*first)->local_address();
  EXPECT_TRUE(Listener::open(shard, address, true).ok());
  const auto taken = Listener::open(shard, address);
  ASSERT_FALSE(taken.ok());
  EXPECT_THAT(taken.error().message(), HasSubstr("address already in use"));

  auto adopted = Listener::adopt(shard, ::dup((*first)->fd()));
  ASSERT_TRUE(adopted.ok());
  EXPECT_EQ((*adopted)->local_address().port, address.port);
  EXPECT_FALSE(Listener::adopt(shard, ::socket(AF_INET, SOCK_STREAM, 0)).ok());
  EXPECT_FALSE(Listener::open(shard, {"hub.example", "1"}).ok());
}

TEST(SocketTest, KnowsThatThePeerHasLeftWhateverItSent) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto body = [](io::Shard* home) -> io::Task<void> {
    test::SocketPair pair = co_await test::socket_pair(*home);
    EXPECT_EQ(::send(pair.a.fd(), "hello", 5, MSG_NOSIGNAL), 5);
    EXPECT_FALSE(pair.b.peer_has_left());
    pair.a = Socket();
    const Deadline deadline = test::soon(*home);
    while (!pair.b.peer_has_left() && !deadline.expired(home->clock())) {
      co_await io::sleep_for(*home, std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(pair.b.peer_has_left());
  };
  shard.run_until_done(body(&shard));
}

}  // namespace
}  // namespace roadstead::net
