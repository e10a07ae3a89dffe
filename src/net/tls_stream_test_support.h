// SPDX-License-Identifier: Apache-2.0
// Both ends of TLS connections over real sockets, for the tests of this folder.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tls_stream.h"
#include "net/tls_test_support.h"

namespace roadstead::net {

// What certificates are compared with may be ahead of the machine's time.
class ShiftedClock final : public Clock {
 public:
  MonotonicTime now() const override { return system_.now(); }
  WallTime wall() const override { return system_.wall() + ahead; }
  Duration ahead{};

 private:
  SystemClock system_;
};

class Tls : public testing::Test {
 protected:
  std::shared_ptr<TlsServerContext> server(ClientCertificates mode, TlsServerOptions options = {}) {
    if (options.identity.certificate_chain_pem.empty()) {
      options.identity = ca_.server({"hub.example"}, {"127.0.0.1", "::1"});
    }
    options.client_certificates = mode;
    if (mode == ClientCertificates::Required) {
      options.client_roots_pem = client_ca_.pem();
    }
    if (options.session_id_context.empty()) {
      options.session_id_context = "test";
    }
    return test::must_create<TlsServerContext>(std::move(options));
  }

  std::shared_ptr<TlsClientContext> client(std::optional<TlsIdentity> identity = {},
                                           TlsClientOptions options = {}) {
    if (options.roots_pem.empty()) {
      options.roots_pem = ca_.pem();
    }
    options.identity = std::move(identity);
    return test::must_create<TlsClientContext>(std::move(options));
  }

  test::TlsOutcome connect(std::shared_ptr<TlsServerContext> s, std::shared_ptr<TlsClientContext> c,
                           const std::string& name = "hub.example") {
    return connect_by(test::always(std::move(s)), std::move(c), name);
  }

  test::TlsOutcome connect_by(ServerContextSelector s, std::shared_ptr<TlsClientContext> c,
                              const std::string& name) {
    test::TlsOutcome out;
    const auto body = [](io::Shard& shard, ServerContextSelector selector,
                         std::shared_ptr<TlsClientContext> context, std::string host,
                         test::TlsOutcome& result) -> io::Task<void> {
      result =
          co_await test::tls_pair(shard, std::move(selector), std::move(context), std::move(host));
    };
    shard_.run_until_done(body(shard_, std::move(s), std::move(c), name, out));
    return out;
  }

  // Sends a byte each way, so that tickets and late alerts arrive.
  Result<void> exchange(test::TlsOutcome& pair) {
    Result<void> out;
    const auto body = [](test::TlsOutcome& p, Result<void>& result) -> io::Task<void> {
      std::array<std::byte, 1> byte{};
      Result<void> written = co_await (*p.server)->write_all("s");
      const Result<std::size_t> n = co_await (*p.client)->read_some(byte);
      if (!written.ok()) {
        result = std::move(written);
      } else if (!n.ok()) {
        result = n.error();
      }
      Result<void> back = co_await (*p.client)->write_all("c");
      EXPECT_TRUE(back.ok());
      EXPECT_TRUE((co_await (*p.server)->read_some(byte)).ok());
    };
    shard_.run_until_done(body(pair, out));
    return out;
  }

  static std::string error_of(const Result<StreamPtr>& result) {
    return result.ok() ? "no error" : result.error().to_string();
  }

  ShiftedClock clock_;
  io::Shard shard_{clock_};
  test::TestCa ca_{"Test hub CA"};
  test::TestCa client_ca_{"Test client CA"};
};

}  // namespace roadstead::net
