// SPDX-License-Identifier: Apache-2.0
#include "api/image_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.h"

namespace roadstead::api {
namespace {

using testing::HasSubstr;

registry::AgentImage image(const std::string& version) {
  std::string elf(200, '\0');
  elf.replace(0, 6,
              std::string("\x7f"
                          "ELF\x02\x01"));
  elf[18] = 62;
  auto built = registry::AgentImage::build({elf}, version);
  EXPECT_TRUE(built.ok());
  return std::move(*built);
}

class Registry : public testing::Test {
 protected:
  Registry() {
    registry_.add("1.0.0", image("1.0.0"));
    registry_.add("1.1.0", image("1.1.0"));
  }

  ImageRegistry::Reply get(const std::string& target, const std::string& range = "",
                           const std::string& method = "GET") {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    if (!range.empty()) {
      head.headers.add("range", range);
    }
    return registry_.answer(head);
  }
  static std::string header(const ImageRegistry::Reply& reply, std::string_view name) {
    const std::string* value = reply.headers.find(name);
    return value != nullptr ? *value : "";
  }
  static std::string code(const ImageRegistry::Reply& reply) {
    const auto body = codec::parse_json(reply.text);
    return body.ok() ? std::string(codec::string_at(body->at("errors").as_array().at(0), {"code"}))
                     : "no JSON";
  }

  ImageRegistry registry_;
};

TEST_F(Registry, AClientPullsFromTagToLayer) {
  EXPECT_EQ(get("/v2/").status, 200);
  // containerd names the registry that a mirror stands for.
  const auto index = get("/v2/roadstead/agent/manifests/1.0.0?ns=hub.example");
  ASSERT_EQ(index.status, 200);
  EXPECT_EQ(header(index, "content-type"), registry::kOciIndexType);
  const std::string by_digest = header(index, "docker-content-digest");
  EXPECT_EQ(get("/v2/roadstead/agent/manifests/" + by_digest).body(), index.body());

  const auto entry = codec::parse_json(index.body())->at("manifests").as_array().at(0);
  const auto manifest =
      get("/v2/roadstead/agent/manifests/" + std::string(codec::string_at(entry, {"digest"})));
  EXPECT_EQ(header(manifest, "content-type"), registry::kOciManifestType);
  const auto layer = codec::parse_json(manifest.body())->at("layers").as_array().at(0);
  const auto blob =
      get("/v2/roadstead/agent/blobs/" + std::string(codec::string_at(layer, {"digest"})));
  EXPECT_EQ(blob.status, 200);
  EXPECT_EQ(static_cast<std::int64_t>(blob.body().size()), codec::int_at(layer, {"size"}));
}

TEST_F(Registry, RangesOfABlob) {
  const std::string path =
      "/v2/roadstead/agent/blobs/" +
      header(get("/v2/roadstead/agent/manifests/1.0.0"), "docker-content-digest");
  const std::string whole(get(path).body());
  const std::string size = std::to_string(whole.size());
  EXPECT_EQ(get(path, "bytes=0-9").body(), whole.substr(0, 10));
  EXPECT_EQ(header(get(path, "bytes=2-"), "content-range"),
            "bytes 2-" + std::to_string(whole.size() - 1) + '/' + size);
  EXPECT_EQ(get(path, "bytes=-5").body(), whole.substr(whole.size() - 5));
  EXPECT_EQ(get(path, "bytes=5-99999999").body(), whole.substr(5));
  EXPECT_EQ(get(path, "bytes=0-9").status, 206);
  const auto beyond = get(path, "bytes=" + size + "-");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(header(beyond, "content-range"), "bytes */" + size);
  for (const std::string ignored : {"bytes=9-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"}) {
    EXPECT_EQ(get(path, ignored).status, 200) << ignored;
  }
}

TEST_F(Registry, TagsAreListedInPages) {
  EXPECT_THAT(get("/v2/roadstead/agent/tags/list").text, HasSubstr(R"(["1.0.0","1.1.0"])"));
  const auto page = get("/v2/roadstead/agent/tags/list?n=1");
  EXPECT_THAT(page.text, HasSubstr(R"(["1.0.0"])"));
  EXPECT_THAT(header(page, "link"), HasSubstr("n=1&last=1.0.0>"));
  const auto last = get("/v2/roadstead/agent/tags/list?n=1&last=1.0.0");
  EXPECT_THAT(last.text, HasSubstr(R"(["1.1.0"])"));
  EXPECT_EQ(header(last, "link"), "");
}

TEST_F(Registry, WhatIsNotThereIsSaidInTheSpecificationsForm) {
  EXPECT_EQ(code(get("/v2/roadstead/agent/manifests/9.9.9")), "MANIFEST_UNKNOWN");
  EXPECT_EQ(code(get("/v2/roadstead/agent/blobs/sha256:00")), "BLOB_UNKNOWN");
  EXPECT_EQ(code(get("/v2/library/nginx/manifests/latest")), "NAME_UNKNOWN");
  EXPECT_EQ(get("/v2/library/nginx/manifests/latest").status, 404);
  // A layer is no manifest.
  const registry::AgentImage same = image("1.0.0");
  for (const auto& [digest, blob] : same.blobs()) {
    if (blob.media_type == registry::kOciLayerType) {
      EXPECT_EQ(get("/v2/roadstead/agent/manifests/" + digest).status, 404);
    }
  }
  const auto push = get("/v2/roadstead/agent/blobs/uploads/", "", "POST");
  EXPECT_EQ(push.status, 405);
  EXPECT_EQ(header(push, "allow"), "GET, HEAD");
  EXPECT_TRUE(ImageRegistry::serves("/v2?x"));
  EXPECT_FALSE(ImageRegistry::serves("/v2x"));
}

}  // namespace
}  // namespace roadstead::api
