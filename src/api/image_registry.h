// SPDX-License-Identifier: Apache-2.0
// The hub as a container registry for its Agents' images: the reading half of the OCI distribution
// API 1.1, without authentication, since the images hold nothing but the program. One repository,
// roadstead/agent, with a tag for each Agent version. Immutable after start; any shard.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "http/message.h"
#include "registry/agent_image.h"

namespace roadstead::api {

class ImageRegistry final : public http::Handler {
 public:
  static constexpr std::string_view kRepository = "roadstead/agent";

  void add(std::string tag, registry::AgentImage image) {
    images_.insert_or_assign(std::move(tag), std::move(image));
  }

  // Whether this handler serves the target: "/v2" and what is below it.
  static bool serves(std::string_view target);
  io::Task<void> handle(http::ServerExchange& exchange) override;

  // What a request is answered with; `body` points into the registry or into `text`.
  struct Reply {
    int status = 200;
    http::Headers headers;
    std::string text;
    std::string_view blob;
    const registry::Blob* source = nullptr;  // of `blob`
    std::string_view body() const { return text.empty() ? blob : std::string_view(text); }
  };
  Reply answer(const http::RequestHead& request) const;

 private:
  Reply manifest(std::string_view reference) const;
  Reply blob(std::string_view digest, const http::RequestHead& request) const;
  Reply tags(std::string_view query) const;
  const registry::Blob* find(std::string_view digest) const;

  std::map<std::string, registry::AgentImage, std::less<>> images_;
};

}  // namespace roadstead::api
