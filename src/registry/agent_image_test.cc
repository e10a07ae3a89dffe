// SPDX-License-Identifier: Apache-2.0
#include "registry/agent_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "codec/json.h"
#include "crypto/digest.h"

namespace roadstead::registry {
namespace {

using testing::HasSubstr;

// A header with one segment of that type.
std::string elf(char machine, char segment = 1) {
  std::string out(200, '\0');
  out.replace(0, 6,
              std::string("\x7f"
                          "ELF\x02\x01"));
  out[18] = machine;
  out[32] = 64;  // e_phoff
  out[54] = 56;  // e_phentsize
  out[56] = 1;   // e_phnum
  out[64] = segment;
  return out;
}
const char kAmd64 = 62;
const char kArm64 = static_cast<char>(183);

codec::json::value blob_json(const AgentImage& image, std::string_view digest) {
  const auto found = image.blobs().find(digest);
  EXPECT_NE(found, image.blobs().end()) << digest;
  return *codec::parse_json(found->second.bytes());
}

TEST(AgentImage, TwoBuildsAreEqualByteForByteInAnyOrder) {
  const auto a = AgentImage::build({elf(kAmd64), elf(kArm64)}, "1.0.0");
  const auto b = AgentImage::build({elf(kArm64), elf(kAmd64)}, "1.0.0");
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(*a->archive("h/r/a:1"), *b->archive("h/r/a:1"));
  EXPECT_THAT(a->architectures(), testing::ElementsAre("amd64", "arm64"));
}

TEST(AgentImage, EveryDigestIsThatOfItsBytesAndEveryReferenceResolves) {
  const auto image = AgentImage::build({elf(kAmd64)}, "1.0.0");
  ASSERT_TRUE(image.ok());
  for (const auto& [digest, blob] : image->blobs()) {
    EXPECT_EQ(digest, "sha256:" + crypto::sha256_hex(blob.bytes()));
  }
  const auto index = blob_json(*image, image->digest());
  const auto& entry = index.at("manifests").as_array().at(0);
  EXPECT_EQ(codec::string_at(entry, {"platform", "architecture"}), "amd64");
  const auto manifest = blob_json(*image, codec::string_at(entry, {"digest"}));
  const auto& layer = manifest.at("layers").as_array().at(0);
  const auto config = blob_json(*image, codec::string_at(manifest, {"config", "digest"}));
  EXPECT_EQ(codec::string_at(config, {"config", "User"}), "65532:65532");
  EXPECT_EQ(config.at("rootfs").at("diff_ids").as_array().at(0), layer.at("digest"));
  const auto found = image->blobs().find(codec::string_at(layer, {"digest"}));
  ASSERT_NE(found, image->blobs().end());
  EXPECT_EQ(codec::int_at(layer, {"size"}),
            static_cast<std::int64_t>(found->second.bytes().size()));
}

TEST(AgentImage, TarReadsLayerAndArchive) {
  const std::string dir = std::filesystem::temp_directory_path() / "agent_image_test.XXXXXX";
  std::string made = dir;
  ASSERT_NE(mkdtemp(made.data()), nullptr);
  const auto image = AgentImage::build({elf(kAmd64)}, "1.0.0");
  ASSERT_TRUE(image.ok());
  for (const auto& [digest, blob] : image->blobs()) {
    if (blob.media_type == kOciLayerType) {
      std::ofstream(made + "/layer.tar") << blob.bytes();
    }
  }
  std::ofstream(made + "/image.tar") << *image->archive("hub:8443/roadstead/agent:1.0.0");
  const auto run = [&](const std::string& command) {
    std::FILE* pipe = popen(("cd " + made + " && " + command).c_str(), "r");
    std::string out;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
      out += static_cast<char>(c);
    }
    EXPECT_EQ(pclose(pipe), 0) << command;
    return out;
  };
  EXPECT_EQ(run("TZ=UTC tar -tvf layer.tar | tr -s ' '"),
            "drwxr-xr-x 0/0 0 1970-01-01 00:00 etc/\n"
            "-rw-r--r-- 0/0 27 1970-01-01 00:00 etc/group\n"
            "-rw-r--r-- 0/0 78 1970-01-01 00:00 etc/passwd\n"
            "-rwxr-xr-x 0/0 200 1970-01-01 00:00 roadstead-agent\n");
  EXPECT_THAT(run("tar -tf image.tar"), HasSubstr("index.json\nmanifest.json\noci-layout\n"));
  EXPECT_THAT(run("tar -xOf image.tar index.json"),
              HasSubstr(R"("io.containerd.image.name":"hub:8443/roadstead/agent:1.0.0")"));
  std::filesystem::remove_all(made);
}

TEST(AgentImage, WhatCannotRunIsRefusedInWords) {
  const auto text = AgentImage::build({"#!/bin/sh\n"}, "1");
  ASSERT_FALSE(text.ok());
  EXPECT_THAT(text.error().message(), HasSubstr("is no 64-bit Linux program"));
  const auto other = AgentImage::build({elf(3)}, "1");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().message(), HasSubstr("neither amd64 nor arm64"));
  const auto shared = AgentImage::build({elf(kAmd64, 3)}, "1");
  ASSERT_FALSE(shared.ok());
  EXPECT_THAT(shared.error().message(), HasSubstr("give the static one"));
  EXPECT_FALSE(AgentImage::build({elf(kAmd64), elf(kAmd64)}, "1").ok());
  EXPECT_FALSE(AgentImage::build({}, "1").ok());
  const auto image = AgentImage::build({elf(kAmd64)}, "1");
  EXPECT_FALSE(image->archive("no-tag").ok());
  EXPECT_FALSE(image->archive("hub:8443/roadstead/agent").ok());
}

TEST(AgentImage, LayersMoveIntoFilesAndStayTheSame) {
  std::string name = (std::filesystem::temp_directory_path() / "layers_XXXXXX").string();
  const std::string folder = mkdtemp(name.data());
  std::ofstream(folder + "/of-another-version") << "old";
  auto image = AgentImage::build({elf(kAmd64)}, "1.0.0");
  ASSERT_TRUE(image.ok());
  const auto before = image->archive("hub/agent:1");
  for (int start = 0; start < 2; ++start) {  // the second finds its file
    ASSERT_TRUE(image->keep_layers_in(folder).ok());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
    std::size_t in_files = 0;
    for (const auto& [digest, blob] : image->blobs()) {
      in_files += blob.file != nullptr ? 1 : 0;
      EXPECT_EQ(digest, "sha256:" + crypto::sha256_hex(blob.bytes()));
      EXPECT_EQ(blob.file != nullptr, blob.media_type == kOciLayerType);
    }
    EXPECT_EQ(in_files, 1u);
    EXPECT_EQ(*image->archive("hub/agent:1"), *before);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace roadstead::registry
