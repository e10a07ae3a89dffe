// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>

#include "io/blocking_pool.h"
#include "io/shard.h"
#include "io/sleep.h"
#include "io/task_group.h"
#include "net/pipe.h"
#include "net/socket.h"
#include "net/tls_test_support.h"

namespace roadstead::net {
namespace {

using test::connected_pair;
using test::Pair;
using testing::HasSubstr;

enum class Kind { Pipe, Tcp, Tls };

// The same behaviour whatever carries the bytes.
class AnyStream : public testing::TestWithParam<Kind> {
 protected:
  void run(std::function<io::Task<void>(io::Shard&, Pair)> body) {
    const auto outer = [](io::Shard& shard, Kind kind, auto& inner) -> io::Task<void> {
      co_await inner(shard, co_await make_pair(shard, kind));
    };
    shard_.run_until_done(outer(shard_, GetParam(), body));
  }

  static io::Task<Pair> make_pair(io::Shard& shard, Kind kind) {
    if (kind == Kind::Tcp) {
      co_return co_await connected_pair(shard);
    }
    if (kind == Kind::Tls) {
      static test::TestCa ca("CA");
      TlsServerOptions server;
      server.identity = ca.server({"hub.example"});
      TlsClientOptions client;
      client.roots_pem = ca.pem();
      test::TlsOutcome pair =
          co_await test::tls_pair(shard, test::always(test::must_create<TlsServerContext>(server)),
                                  test::must_create<TlsClientContext>(client), "hub.example");
      co_return Pair{std::move(*pair.client), std::move(*pair.server)};
    }
    auto [a, b] = make_pipe(shard, 4096);
    co_return Pair{std::move(a), std::move(b)};
  }

  SystemClock clock_;
  io::Shard shard_{clock_};
};
std::string name_of(const testing::TestParamInfo<Kind>& parameter) {
  constexpr std::array<const char*, 3> kNames{"Pipe", "Tcp", "Tls"};
  return kNames.at(static_cast<std::size_t>(parameter.param));
}
INSTANTIATE_TEST_SUITE_P(Kinds, AnyStream, testing::Values(Kind::Pipe, Kind::Tcp, Kind::Tls),
                         name_of);

io::Task<void> echo(Stream& stream) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const Result<std::size_t> n = co_await stream.read_some(buffer);
    if (!n.ok() || *n == 0) {
      break;
    }
    const Result<void> written = co_await stream.write_all(std::span(buffer).first(*n));
    EXPECT_TRUE(written.ok());
  }
  EXPECT_TRUE((co_await stream.shutdown_write()).ok());
}

io::Task<void> read_into(Stream& stream, std::string& all, Result<void>& end) {
  std::array<std::byte, 3000> buffer;
  for (;;) {
    const Result<std::size_t> n = co_await stream.read_some(buffer);
    if (!n.ok()) {
      end = n.error();
      co_return;
    }
    if (*n == 0) {
      end = Result<void>();
      co_return;
    }
    all.append(reinterpret_cast<const char*>(buffer.data()), *n);
  }
}

TEST_P(AnyStream, EchoesMoreThanItsBuffersAndEndsBothHalves) {
  run([](io::Shard& shard, Pair pair) -> io::Task<void> {
    io::TaskGroup group(shard);
    std::string sent;
    for (int i = 0; i < 200'000; ++i) {
      sent += std::to_string(i);
    }
    std::string received;
    Result<void> end(ErrorKind::Internal, "not ended");
    group.spawn(echo(*pair.b));
    group.spawn(read_into(*pair.a, received, end));
    EXPECT_TRUE((co_await pair.a->write_all(sent)).ok());
    EXPECT_TRUE((co_await pair.a->shutdown_write()).ok());
    co_await group.join();
    EXPECT_TRUE(end.ok());
    EXPECT_EQ(received == sent, true);
  });
}

TEST_P(AnyStream, ReadingGoesOnAfterOurSideEnded) {
  run([](io::Shard&, Pair pair) -> io::Task<void> {
    EXPECT_TRUE((co_await pair.a->shutdown_write()).ok());
    std::array<std::byte, 16> buffer;
    EXPECT_EQ(*co_await pair.b->read_some(buffer), 0u);
    EXPECT_TRUE((co_await pair.b->write_all("still here")).ok());
    EXPECT_EQ(*co_await pair.a->read_some(buffer), 10u);
  });
}

io::Task<void> keep_result(io::Task<Result<void>> task, Result<void>& out) {
  out = co_await std::move(task);
}

TEST_P(AnyStream, CloseEndsBothWaitsWithCancelled) {
  run([](io::Shard& shard, Pair pair) -> io::Task<void> {
    const std::string block(65536, 'x');
    while (pair.a->try_write(std::as_bytes(std::span(block))).status == IoStatus::Done) {
    }
    std::array<std::byte, 16> buffer;
    EXPECT_EQ(pair.a->try_read(buffer).status, IoStatus::WouldBlock);
    io::TaskGroup group(shard);
    Result<void> reading;
    Result<void> writing;
    group.spawn(keep_result(pair.a->readable(), reading));
    group.spawn(keep_result(pair.a->writable(), writing));
    co_await shard.yield();
    EXPECT_EQ(group.running(), 2u);
    pair.a->close();
    pair.a->close();
    co_await group.join();
    EXPECT_FALSE(reading.ok());
    EXPECT_FALSE(writing.ok());
    if (!reading.ok() && !writing.ok()) {
      EXPECT_EQ(reading.error().kind(), ErrorKind::Cancelled);
      EXPECT_EQ(writing.error().kind(), ErrorKind::Cancelled);
    }
    EXPECT_EQ(pair.a->try_read(buffer).status, IoStatus::Failed);
    EXPECT_EQ(pair.a->last_error().kind(), ErrorKind::Cancelled);
    EXPECT_EQ(pair.a->try_write(buffer).status, IoStatus::Failed);
    EXPECT_EQ(pair.a->last_error().kind(), ErrorKind::Cancelled);
  });
}

TEST_P(AnyStream, CloseWithUnreadInputResetsThePeer) {
  run([](io::Shard&, Pair pair) -> io::Task<void> {
    EXPECT_TRUE((co_await pair.a->write_all("never read")).ok());
    EXPECT_TRUE((co_await pair.b->readable()).ok());
    pair.b->close();
    std::string all;
    Result<void> end;
    co_await read_into(*pair.a, all, end);
    EXPECT_FALSE(end.ok());
    if (!end.ok()) {
      EXPECT_EQ(end.error().kind(), ErrorKind::Network);
      EXPECT_THAT(end.error().message(), HasSubstr("onnection reset by peer"));
    }
  });
}

TEST_P(AnyStream, WritingToAClosedPeerFailsWithoutASignal) {
  run([](io::Shard& shard, Pair pair) -> io::Task<void> {
    pair.b->close();
    const Deadline deadline = Deadline::after(shard.clock(), std::chrono::seconds(10));
    IoOutcome outcome;
    const std::string text = "x";
    do {
      outcome = pair.a->try_write(std::as_bytes(std::span(text)));
      co_await shard.yield();
    } while (outcome.status == IoStatus::Done && !deadline.expired(shard.clock()));
    EXPECT_EQ(outcome.status, IoStatus::Failed);
    EXPECT_EQ(pair.a->last_error().kind(), ErrorKind::Network);
  });
}

void break_the_retry_rule() {
  SystemClock clock;
  io::Shard shard(clock);
  auto [a, b] = make_pipe(shard, 4);
  const std::string first = "abcd";
  const std::string other = "efgh";
  a->try_write(std::as_bytes(std::span(first)));
  a->try_write(std::as_bytes(std::span(first)));
  a->try_write(std::as_bytes(std::span(other)));
}

TEST(PipeDeathTest, RefusesDifferentBytesAfterWouldBlock) {
  EXPECT_DEATH(break_the_retry_rule(), "same bytes");
}

TEST(Tcp, ManyConnectionsLeaveNoDescriptor) {
  SystemClock clock;
  io::Shard shard(clock);
  const std::size_t before = test::open_descriptors();
  const auto body = [](io::Shard& s) -> io::Task<void> {
    for (int round = 0; round < 20; ++round) {
      std::vector<Pair> pairs;
      for (int i = 0; i < 25; ++i) {
        pairs.push_back(co_await connected_pair(s));
      }
      for (Pair& pair : pairs) {
        EXPECT_TRUE((co_await pair.a->write_all("hello")).ok());
        std::array<std::byte, 5> buffer;
        EXPECT_EQ(*co_await pair.b->read_some(buffer), 5u);
      }
    }
  };
  shard.run_until_done(body(shard));
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST(Tcp, PeerAddressIsTold) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto body = [](io::Shard& s) -> io::Task<void> {
    const Pair pair = co_await connected_pair(s);
    EXPECT_THAT(pair.a->peer_address(), testing::StartsWith("127.0.0.1:"));
    EXPECT_THAT(pair.b->peer_address(), testing::StartsWith("127.0.0.1:"));
  };
  shard.run_until_done(body(shard));
}

TEST(Tcp, AUserTimeoutIsSetOnlyOnRequest) {
  SystemClock clock;
  io::Shard shard(clock);
  const auto body = [](io::Shard& s) -> io::Task<void> {
    const test::SocketPair pair = co_await test::socket_pair(s);
    EXPECT_EQ(test::user_timeout_ms(pair.a.fd()), 0);
    const int fd = ::dup(pair.a.fd());
    StreamPtr stream = make_tcp_stream(s, Socket(fd, "peer"));
    stream->limit_unacknowledged(std::chrono::seconds(15));
    EXPECT_EQ(test::user_timeout_ms(pair.a.fd()), 15'000);
  };
  shard.run_until_done(body(shard));
}

}  // namespace
}  // namespace roadstead::net
