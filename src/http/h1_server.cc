// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "http/h1_connection.h"
#include "http/h1_exchange.h"
#include "http/h1_writer.h"
#include "io/task_group.h"

namespace roadstead::http {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr Duration kLinger = std::chrono::seconds(5);
constexpr Duration kFirstRequestInDrain = std::chrono::seconds(1);

class Server final : public H1Server {
 public:
  Server(net::StreamPtr stream, H1Limits limits, Handler& handler)
      : stream_(std::move(stream)),
        limits_(limits),
        handler_(handler),
        input_(*stream_, std::max(kBuffer, limits.max_head_bytes), H1Input::Mode::Pumped),
        output_(*stream_, kBuffer),
        timer_(stream_->executor()),
        wire_{*stream_, input_, output_, connection_, draining_} {
    connection_.tls = stream_->tls();
    connection_.peer_address = stream_->peer_address();
  }

  io::Task<void> run() override;
  void drain() override;
  void close() override;
  Connection& connection() override { return connection_; }

 private:
  enum class Next : unsigned char { Request, Linger, Close };

  io::Task<Next> wait_for_request();
  io::Task<Next> serve();
  io::Task<Next> read_head(H1Request& request);
  io::Task<Next> handle(H1Request request);
  io::Task<void> linger();
  Next refuse(int status, std::string_view why);
  // Wakes the serving coroutine after `d`, which then finds timed_out_.
  void arm(Duration d);

  net::StreamPtr stream_;
  H1Limits limits_;
  Handler& handler_;
  Connection connection_;
  H1Input input_;
  H1Output output_;
  io::Timer timer_;
  bool timed_out_ = false;
  bool draining_ = false;
  bool served_ = false;
  bool idle_ = false;
  bool write_ended_ = false;  // by the exchange of an upgraded connection
  bool closed_ = false;
  H1Exchange* current_ = nullptr;
  H1Wire wire_;
};

io::Task<void> Server::run() {
  io::TaskGroup group(stream_->executor());
  input_.on_end([this](const Error* error) {
    if (current_ != nullptr) {
      current_->peer_ended(error);
    }
  });
  output_.on_failure([this] {
    if (current_ != nullptr) {
      current_->abort();
    }
  });
  group.spawn(input_.pump());
  group.spawn(output_.pump());
  Next next = Next::Request;
  while (next == Next::Request && !closed_) {
    next = co_await wait_for_request();
    if (next == Next::Request) {
      next = co_await serve();
      served_ = true;
    }
  }
  if (next == Next::Linger && !closed_) {
    co_await linger();
  }
  close();
  co_await group.join();
}

void Server::arm(Duration d) {
  timed_out_ = false;
  timer_.arm(d, [this] {
    timed_out_ = true;
    input_.interrupt();
  });
}

io::Task<Server::Next> Server::wait_for_request() {
  if (!input_.buffered().empty()) {
    co_return Next::Request;
  }
  // A client that has just connected sees no drain: it is served the request that it came for.
  if (draining_ && served_) {
    co_return Next::Linger;
  }
  idle_ = true;
  arm(draining_ ? kFirstRequestInDrain : limits_.idle_timeout);
  const Result<bool> more = co_await input_.more();
  timer_.cancel();
  idle_ = false;
  if (more.ok() && *more) {
    co_return Next::Request;
  }
  co_return more.ok() || timed_out_ || (draining_ && served_) ? Next::Linger : Next::Close;
}

io::Task<Server::Next> Server::serve() {
  H1Request request;
  const Next next = co_await read_head(request);
  timer_.cancel();
  if (next != Next::Request) {
    co_return next;
  }
  if (request.head.method == "CONNECT") {
    co_return refuse(501, "CONNECT is not served");
  }
  if (input_.ended() && !request.upgrade) {
    co_return Next::Close;  // nobody waits for the answer
  }
  co_return co_await handle(std::move(request));
}

io::Task<Server::Next> Server::read_head(H1Request& request) {
  H1HeadScanner scanner(limits_.max_head_bytes);
  arm(limits_.head_timeout);
  for (;;) {
    switch (scanner.scan(input_.buffered())) {
      case H1HeadScanner::State::BareLf:
        co_return refuse(400, "a line of the head ends without CR");
      case H1HeadScanner::State::TooLarge:
        co_return refuse(431, "the head of the request is too large");
      case H1HeadScanner::State::Complete: {
        const std::string_view head = input_.buffered().substr(0, scanner.head_bytes());
        if (const auto reject = parse_request(head, request)) {
          co_return refuse(reject->status, reject->why);
        }
        input_.consume(scanner.head_bytes());
        co_return Next::Request;
      }
      case H1HeadScanner::State::More:
        break;
    }
    Result<bool> more = false;
    if (!timed_out_) {
      more = co_await input_.more();
    }
    if (timed_out_) {
      co_return refuse(408, "the head of the request did not arrive in time");
    }
    if (!more.ok() || !*more) {
      co_return Next::Close;
    }
  }
}

Server::Next Server::refuse(int status, std::string_view why) {
  output_.append(status_response(status, why, true));
  return Next::Linger;
}

io::Task<Server::Next> Server::handle(H1Request request) {
  H1Exchange exchange(wire_, std::move(request));
  current_ = &exchange;
  co_await handler_.handle(exchange);
  if (!exchange.aborted() && !exchange.responded()) {
    current_ = nullptr;
    output_.append(
        status_response(500, "the request was not answered", exchange.request().method != "HEAD"));
    co_return Next::Linger;
  }
  if (!exchange.finished()) {
    current_ = nullptr;
    co_return Next::Close;
  }
  // The answer is complete: from here on the client's leaving is nobody's concern.
  bool reusable = !exchange.aborted() && !exchange.must_close() && !draining_;
  if (reusable && !exchange.request_ended()) {
    timer_.arm(limits_.head_timeout, [this] { wire_.close(); });
    reusable = co_await exchange.drain_body();
    timer_.cancel();
  }
  current_ = nullptr;
  if (exchange.aborted()) {
    co_return Next::Close;
  }
  write_ended_ = exchange.upgraded();
  co_return reusable ? Next::Request : Next::Linger;
}

// A close with unread input would make the kernel send RST, and the client might lose the answer:
// so our side ends first, and what still comes is dropped for a while.
io::Task<void> Server::linger() {
  timer_.arm(limits_.idle_timeout, [this] { close(); });
  if (!(co_await output_.flush()).ok()) {
    co_return;
  }
  timer_.arm(kLinger, [this] { close(); });
  if (!write_ended_ && !(co_await stream_->shutdown_write()).ok()) {
    co_return;
  }
  std::size_t dropped = input_.take_all().size();
  while (!closed_ && dropped <= kLingerBytes) {
    const Result<bool> more = co_await input_.more();
    if (!more.ok() || !*more) {
      break;
    }
    dropped += input_.take_all().size();
  }
  timer_.cancel();
}

void Server::drain() {
  draining_ = true;
  if (idle_ && served_) {
    input_.interrupt();
  } else if (idle_) {
    arm(kFirstRequestInDrain);
  }
}

void Server::close() {
  closed_ = true;
  timer_.cancel();
  if (current_ != nullptr) {
    current_->abort();
  }
  wire_.close();
}

}  // namespace

std::unique_ptr<H1Server> H1Server::create(net::StreamPtr stream, H1Limits limits,
                                           Handler& handler) {
  return std::make_unique<Server>(std::move(stream), limits, handler);
}

}  // namespace roadstead::http
