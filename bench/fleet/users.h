// SPDX-License-Identifier: Apache-2.0
// One person with many watches at a hub, over HTTP/2 connections with a client certificate. Lives
// on its squad's shard.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http/h2_session.h"
#include "io/blocking_pool.h"
#include "io/shard.h"
#include "io/task_group.h"
#include "net/socket.h"
#include "net/tls_context.h"

namespace roadstead::fleet {

struct UserOptions {
  net::HostPort hub;
  std::string roots_pem;
  std::string credential_pem;  // certificate and key
};

class Users {
 public:
  static Result<std::unique_ptr<Users>> create(io::Shard& shard, io::BlockingPool& resolver,
                                               UserOptions options);
  ~Users();

  // Opens `each` watches of every cluster. Returns once all were answered or have failed.
  io::Task<void> watch(std::vector<std::string> clusters, std::size_t each);
  io::Task<void> close();

  std::size_t open() const { return open_; }
  std::size_t failed() const { return failed_; }
  const std::string& sample() const { return sample_; }

  // Delays of the events since the last call, in microseconds.
  std::vector<std::uint32_t> take_delays() { return std::exchange(delays_, {}); }

 private:
  Users(io::Shard& shard, io::BlockingPool& resolver, UserOptions options,
        std::shared_ptr<net::TlsClientContext> context);
  io::Task<Result<http::H2Session*>> connect();
  io::Task<void> run_session(http::H2Session& session);
  io::Task<void> run_watch(http::H2Session& session, std::string cluster);
  io::Task<Result<void>> follow(http::ClientExchange& exchange);
  void failed(std::string why);

  io::Shard& shard_;
  io::BlockingPool& resolver_;
  UserOptions options_;
  std::shared_ptr<net::TlsClientContext> context_;
  std::vector<std::unique_ptr<http::H2Session>> sessions_;
  io::TaskGroup tasks_;
  io::Event settled_;
  std::size_t asked_ = 0;
  std::size_t open_ = 0;
  std::size_t failed_ = 0;
  std::string sample_;
  std::vector<std::uint32_t> delays_;
};

}  // namespace roadstead::fleet
