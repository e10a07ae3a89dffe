// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "cli/files.h"
#include "cli/member_access.h"

namespace roadstead::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class Program : public testing::Test {
 protected:
  Program() {
    std::string pattern = std::filesystem::temp_directory_path() / "program_test.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    environment_.variables["ROADSTEAD_CONFIG"] = directory_ + "/config.yaml";
  }
  ~Program() override { std::filesystem::remove_all(directory_); }

  int run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    words.insert(words.begin(), called_);
    return run_program(std::move(words), environment_);
  }
  std::string complete(std::vector<std::string> words) {
    words.insert(words.begin(), "__complete");
    EXPECT_EQ(run(words), 0);
    return out_.str();
  }

  std::string called_ = "roadstead";
  std::string directory_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  SystemClock clock_;
  SystemRandom random_;
  Environment environment_{.variables = {},
                           .in = in_,
                           .out = out_,
                           .err = err_,
                           .clock = clock_,
                           .random = random_,
                           .program = "/opt/roadstead",
                           .version = "1.2.3"};
};

TEST_F(Program, HelpNamesTheCommandsAndTheNameItWasCalledBy) {
  EXPECT_EQ(run({}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("kubeconfig"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("__complete")));
  called_ = "/usr/bin/kubectl-roadstead";
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("kubectl roadstead"));
}

TEST_F(Program, WrongCommandLinesExitWith2AndSayWhereToLook) {
  EXPECT_EQ(run({"cluster", "get"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("NAME is required"));
  EXPECT_THAT(err_.str(), HasSubstr("roadstead cluster get --help"));
  EXPECT_EQ(run({"cluster", "get", "a", "--colour"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--colour"));
  EXPECT_EQ(run({"version", "--client", "-o", "xml"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("table, wide, json, yaml, name"));
  EXPECT_EQ(run({"login", "--server", "http://hub"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("https://"));
  EXPECT_EQ(run({"login", "--server", "hub", "--ca-pin", "abc"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("sha256:HEX"));
}

TEST_F(Program, WithoutALoginExitsWith5AndTheCommand) {
  EXPECT_EQ(run({"cluster", "list"}), 5);
  EXPECT_THAT(err_.str(), HasSubstr("roadstead login --server"));
  ASSERT_TRUE(replace_file(environment_.variables["ROADSTEAD_CONFIG"], "kind: Pod\n").ok());
  EXPECT_EQ(run({"cluster", "list"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("config.yaml"));
}

TEST_F(Program, VersionOfTheClientNeedsNoHub) {
  EXPECT_EQ(run({"version", "--client"}), 0);
  EXPECT_EQ(out_.str(), "roadstead 1.2.3\n");
  EXPECT_EQ(run({"version", "--client", "-o", "json"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr(R"("clientVersion": "1.2.3")"));
}

TEST_F(Program, CompletionFollowsTheTree) {
  EXPECT_EQ(complete({"cl"}), "cluster\n");
  EXPECT_THAT(complete({"cluster", ""}), HasSubstr("connect\n"));
  EXPECT_EQ(complete({"cluster", "re"}), "remove\n");
  EXPECT_EQ(complete({"cluster", "list", "-o", "ya"}), "yaml\n");
  EXPECT_EQ(complete({"cluster", "connect", "a", "--endpoint", ""}), "private\npublic\n");
  EXPECT_EQ(complete({"cluster", "remove", "a", "--hub-o"}), "--hub-only\n");
  EXPECT_THAT(complete({""}), Not(HasSubstr("__complete")));
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(run({"completion", shell}), 0);
    EXPECT_THAT(out_.str(), HasSubstr("roadstead __complete"));
  }
  EXPECT_EQ(run({"completion", "tcsh"}), 2);
}

TEST_F(Program, KubectlCompletesThePlugin) {
  called_ = "/usr/bin/kubectl_complete-roadstead";
  EXPECT_EQ(run({"cluster", "re"}), 0);
  EXPECT_EQ(out_.str(), "remove\n:4\n");
  EXPECT_EQ(run({""}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("kubeconfig\n"));
}

TEST_F(Program, AnImageNeedsTheAgentsProgram) {
  EXPECT_EQ(run({"agent", "image", "-o", directory_ + "/a.tar", "--binary", directory_ + "/none"}),
            3);
  EXPECT_THAT(err_.str(), HasSubstr("--binary"));
  ASSERT_TRUE(replace_file(directory_ + "/script", "#!/bin/sh\n").ok());
  EXPECT_EQ(
      run({"agent", "image", "-o", directory_ + "/a.tar", "--binary", directory_ + "/script"}), 2);
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/a.tar"));
}

// The person's kubeconfig for the member, from texts.
class Member : public testing::Test {
 protected:
  Result<MemberAccess> access(const std::string& user, const std::string& cluster = "") {
    files_["/k/config"] =
        "kind: Config\ncurrent-context: c\nclusters:\n- name: a\n  cluster:\n    "
        "server: https://api:6443\n    certificate-authority: ca.pem\n" +
        cluster + "users:\n- name: u\n  user:\n" + user +
        "contexts:\n- name: c\n  context: {cluster: a, user: u}\n";
    files_["/k/ca.pem"] = "CA";
    return member_access({"/k/config"}, context_, sources_);
  }

  std::string context_;
  std::map<std::string, std::string> files_;
  std::vector<std::string> ran_;
  MemberAccessSources sources_{
      .read = [this](const std::string& path) -> Result<std::string> {
        const auto found = files_.find(path);
        return found != files_.end() ? Result<std::string>(found->second)
                                     : Result<std::string>(ErrorKind::NotFound, "no " + path);
      },
      .run = [this](const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& environment) -> Result<std::string> {
        ran_ = arguments;
        EXPECT_THAT(environment.at("KUBERNETES_EXEC_INFO"), HasSubstr("ExecCredential"));
        EXPECT_EQ(environment.at("MODE"), "test");
        return std::string(R"({"kind":"ExecCredential","status":{"token":"T"}})");
      },
      .environment = {}};
};

TEST_F(Member, TokensAndRelativeFiles) {
  const auto made = access("    token: abc\n");
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->target.address.host, "api");
  EXPECT_EQ(made->target.tls.roots_pem, "CA");
  EXPECT_EQ(made->target.bearer_token.reveal(), "abc");
  EXPECT_EQ(made->origin, "/k/config, context c");
}

TEST_F(Member, APluginIsRun) {
  const auto made = access(
      "    exec: {apiVersion: client.authentication.k8s.io/v1, command: "
      "./get, args: [x], env: [{name: MODE, value: test}]}\n");
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->target.bearer_token.reveal(), "T");
  EXPECT_THAT(ran_, testing::ElementsAre("/k/./get", "x"));
}

TEST_F(Member, WhatWeakensOrIsMissingIsNamed) {
  EXPECT_THAT(access("    token: a\n", "    insecure-skip-tls-verify: true\n").error().message(),
              HasSubstr("insecure-skip-tls-verify"));
  EXPECT_THAT(access("    auth-provider: {}\n").error().message(), HasSubstr("auth-provider"));
  EXPECT_THAT(access("    {}\n").error().message(), HasSubstr("neither a token"));
  context_ = "other";
  EXPECT_THAT(access("    token: a\n").error().message(), HasSubstr("there are: c"));
}

TEST_F(Member, OfSeveralFilesTheFirstEntryCounts) {
  ASSERT_TRUE(access("    token: abc\n").ok());
  files_["/first"] = "kind: Config\nusers:\n- name: u\n  user: {token: first}\n";
  const auto made = member_access({"/missing", "/first", "/k/config"}, "", sources_);
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->target.bearer_token.reveal(), "first");
  EXPECT_EQ(kubeconfig_files("", "a::b", "/h"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(kubeconfig_files("f", "a", "/h"), (std::vector<std::string>{"f"}));
  EXPECT_EQ(kubeconfig_files("", "", "/h"), (std::vector<std::string>{"/h/.kube/config"}));
}

}  // namespace
}  // namespace roadstead::cli
