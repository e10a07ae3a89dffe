// SPDX-License-Identifier: Apache-2.0
#include "agent/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roadstead::agent {
namespace {

using ::testing::HasSubstr;

RawSettings in_pod() {
  RawSettings raw;
  raw.service_host = "10.96.0.1";
  raw.service_port = "443";
  raw.namespace_ = "roadstead-system";
  raw.replica = "pod-1";
  return raw;
}

TEST(Settings, InAClusterNothingNeedsToBeSaid) {
  const auto s = check_settings(in_pod());
  ASSERT_TRUE(s.ok()) << s.error().message();
  EXPECT_TRUE(s->in_cluster);
  EXPECT_EQ(s->health.host, "::");
  EXPECT_EQ(s->health.port, "8080");
  EXPECT_EQ(s->log_format, telemetry::LogFormat::Json);
  EXPECT_EQ(s->termination_log, "/dev/termination-log");
  EXPECT_EQ(s->secret, "roadstead-agent");
}

TEST(Settings, OutsideTheDefaultsAreThoseOfAProgramAtATerminal) {
  RawSettings raw;
  raw.kubeconfig = "kc";
  raw.state_dir = "state";
  const auto s = check_settings(raw);
  ASSERT_TRUE(s.ok()) << s.error().message();
  EXPECT_FALSE(s->in_cluster);
  EXPECT_EQ(s->health.host, "127.0.0.1");
  EXPECT_EQ(s->log_format, telemetry::LogFormat::Text);
  EXPECT_EQ(s->termination_log, "");
}

TEST(Settings, EveryMistakeIsNamedWithItsFix) {
  RawSettings raw = in_pod();
  raw.state_dir = "x";
  raw.secret = "Not A Name";
  raw.hub = "https://hub.example/";
  raw.proxy = "https://proxy.example:3128";
  raw.health = "[::]:99999";
  raw.log_level = "chatty";
  raw.log_format = "xml";
  const auto s = check_settings(raw);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().kind(), ErrorKind::InvalidArgument);
  for (const char* setting :
       {"--state-dir: ", "--secret: \"Not A Name\"", "--hub: ", "--proxy: ", "--health-listen: ",
        "--log-level: \"chatty\"", "--log-format: \"xml\""}) {
    EXPECT_THAT(s.error().message(), HasSubstr(setting));
  }
}

TEST(Settings, SaysWhatIsNeededOutsideOfACluster) {
  const auto bare = check_settings({});
  ASSERT_FALSE(bare.ok());
  EXPECT_THAT(bare.error().message(), HasSubstr("--kubeconfig: is needed here"));
  RawSettings raw;
  raw.kubeconfig = "kc";
  const auto s = check_settings(raw);
  ASSERT_FALSE(s.ok());
  EXPECT_THAT(s.error().message(), HasSubstr("--state-dir: is needed"));
}

TEST(Settings, TakesTheProxyWithItsPassword) {
  RawSettings raw = in_pod();
  raw.proxy = "http://ann:p%40ss@proxy.example:3128";
  raw.no_proxy = ".example";
  const auto s = check_settings(raw);
  ASSERT_TRUE(s.ok()) << s.error().message();
  EXPECT_EQ(s->proxy.proxy->address.host, "proxy.example");
  EXPECT_EQ(s->proxy.proxy->basic_credentials->reveal(), "ann:p@ss");
  EXPECT_EQ(s->proxy.no_proxy, ".example");
}

}  // namespace
}  // namespace roadstead::agent
