// SPDX-License-Identifier: Apache-2.0
#include "api/enrolment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "crypto/certificate.h"
#include "http/h1_connection.h"
#include "http/relay.h"
#include "io/simulated_loop.h"
#include "io/task_group.h"
#include "net/pipe.h"
#include "pki/memory_secrets_test_support.h"

namespace roadstead::api {
namespace {

namespace json = codec::json;

constexpr std::string_view kUid = "3f0c1c0e-0000-4000-8000-000000000001";

struct Answer {
  int status = 0;
  std::string body;
  std::string retry_after;
};

// Never gives what is asked for, until it is told to.
class SlowSecrets final : public storage::SecretStore {
 public:
  SlowSecrets(pki::test::MemorySecrets& inner, io::Executor& executor)
      : inner_(inner), go_(executor) {}
  io::Task<Result<storage::SealedBlob>> get_secret(io::Executor& e, std::string name) override {
    while (held && !go_.is_set()) {
      co_await go_.wait();
    }
    co_return co_await inner_.get_secret(e, std::move(name));
  }
  io::Task<Result<std::uint64_t>> put_secret(io::Executor& e, std::string name, std::uint64_t v,
                                             std::string bytes) override {
    co_return co_await inner_.put_secret(e, std::move(name), v, std::move(bytes));
  }
  io::Task<Result<void>> remove_secret(io::Executor& e, std::string name,
                                       std::uint64_t v) override {
    co_return co_await inner_.remove_secret(e, std::move(name), v);
  }
  io::Task<Result<std::vector<std::string>>> list_secrets(io::Executor& e,
                                                          std::string prefix) override {
    co_return co_await inner_.list_secrets(e, std::move(prefix));
  }
  void release() { go_.set(); }
  bool held = false;

 private:
  pki::test::MemorySecrets& inner_;
  io::Event go_;
};

class EnrolmentTest : public testing::Test {
 protected:
  EnrolmentTest() {
    auto all =
        loop_.wait_for(pki::load_or_create_authorities(loop_, memory_, sealing_, clock_, random_));
    CHECK(all.ok(), all.error().message());
    authorities_ = std::move(*all);
    auto map = std::make_shared<registry::ClusterMap>();
    (*map)["ack"] = {"ack", std::string(kUid), false, false, ""};
    clusters_.replace(map);
    enrolment_ = std::make_unique<Enrolment>(
        loop_, Enrolment::Rules{clock_, clusters_, authorities_, tokens_,
                                [this](const std::string&) { return registered_ca_; },
                                [this](const EnrolmentCall& call) { calls_.push_back(call); },
                                telemetry::Logger(), std::chrono::hours(48)});
  }

  std::string token() {
    auto minted = loop_.wait_for(tokens_.mint(loop_, std::string(kUid), std::chrono::hours(1)));
    CHECK(minted.ok(), "mint");
    return std::string(minted->token.reveal());
  }

  // One call on a connection of its own.
  io::Task<void> call(std::string token, Answer* answer) {
    auto [client_end, server_end] = net::make_pipe(loop_);
    const auto server = http::H1Server::create(std::move(server_end), {}, *enrolment_);
    io::TaskGroup serving(loop_);
    serving.spawn(server->run());
    const auto client = http::H1Client::create(std::move(client_end), {});
    const auto key = crypto::PrivateKey::generate_p256();
    const std::string body = codec::write_json(
        json::object{{"cluster", "ack"},
                     {"csr", *crypto::CertificateSigningRequest::create_pem(key, "ack")},
                     {"apiServerCAFingerprint", ca_}});
    http::RequestHead head;
    head.method = "POST";
    head.authority = "enrol.roadstead.internal";
    head.target = "/enrol/v1/certificate";
    head.headers.add("content-length", std::to_string(body.size()));
    head.headers.add("authorization", "Bearer " + token);
    auto exchange = co_await client->open(std::move(head), false);
    CHECK(exchange.ok(), "open");
    static_cast<void>(co_await (*exchange)->write(body));
    static_cast<void>(co_await (*exchange)->finish());
    const auto response = co_await (*exchange)->response();
    if (response.ok()) {
      const std::string* after = response->headers.find("retry-after");
      const auto text = co_await http::read_whole(**exchange, 1 << 20);
      *answer = {response->status, text.ok() ? *text : "", after != nullptr ? *after : ""};
    }
    client->close();
    server->close();
    co_await serving.join();
  }
  Answer enrol(const std::string& with) {
    Answer answer;
    loop_.run_until_done(call(with, &answer), std::chrono::minutes(1));
    return answer;
  }

  FakeClock clock_;
  io::SimulatedLoop loop_{clock_};
  SystemRandom random_;
  crypto::SealedBox sealing_ = pki::test::sealed_box(random_);
  pki::test::MemorySecrets memory_;
  SlowSecrets secrets_{memory_, loop_};
  pki::OneTimeTokens tokens_{secrets_, clock_, random_, "registration", "rst_"};
  pki::Authorities authorities_;
  registry::ClusterDirectory clusters_;
  std::string registered_ca_;
  std::string ca_ = "cafe";
  std::vector<EnrolmentCall> calls_;
  std::unique_ptr<Enrolment> enrolment_;
};

TEST_F(EnrolmentTest, ATokenBecomesACertificateOfTheWantedLife) {
  const Answer answer = enrol(token());
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto value = codec::parse_json(answer.body);
  const auto chain = crypto::Certificate::chain_from_pem(codec::string_at(*value, {"certificate"}));
  ASSERT_TRUE(chain.ok());
  EXPECT_EQ(chain->front().not_after() - clock_.wall(), std::chrono::hours(48));
  EXPECT_EQ(codec::string_at(*value, {"hubRoots"}), authorities_.hub->certificate().pem());
  ASSERT_EQ(calls_.size(), 1u);
  EXPECT_EQ(calls_[0].error, "");
}

TEST_F(EnrolmentTest, AnotherApiServerIsRefusedAndTold) {
  registered_ca_ = "beef";
  const Answer answer = enrol(token());
  EXPECT_EQ(answer.status, 409) << answer.body;
  EXPECT_EQ(calls_.at(0).reason, "OtherAPIServer");
  EXPECT_EQ(calls_.at(0).ca_fingerprint, "cafe");
}

TEST_F(EnrolmentTest, OneSourceThatCallsTooOftenIsToldWhenToComeBack) {
  int refused = 0;
  Answer last;
  for (int i = 0; i < 150; ++i) {
    last = enrol("rst_guess");
    refused += last.status == 429 ? 1 : 0;
  }
  EXPECT_EQ(refused, 50);
  EXPECT_EQ(last.retry_after, "1");
  EXPECT_NE(last.body.find("TooManyRequests"), std::string::npos) << last.body;
  EXPECT_EQ(calls_.size(), 100u) << "what is not looked at does not reach the ladder";
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(enrol(token()).status, 200);
}

TEST_F(EnrolmentTest, SoManyAtOnceAndNoMore) {
  const std::string good = token();
  secrets_.held = true;
  io::TaskGroup calling(loop_);
  std::vector<Answer> answers(40);
  for (Answer& answer : answers) {
    calling.spawn(call(good, &answer));
  }
  loop_.run_ready_now();
  const auto refused = std::count_if(answers.begin(), answers.end(),
                                     [](const Answer& a) { return a.status == 429; });
  EXPECT_EQ(refused, 8);
  secrets_.release();
  loop_.run_until_done(calling.join());
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(),
                          [](const Answer& a) { return a.status == 200; }),
            1)
      << "one token, one certificate";
}

}  // namespace
}  // namespace roadstead::api
