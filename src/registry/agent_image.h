// SPDX-License-Identifier: Apache-2.0
// The Agent's container image, made from its static binary without a container tool: one
// uncompressed layer, config and manifest for each architecture, and an index (OCI image format
// 1.1). The same binary always gives the same bytes. Building is pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/mapped_file.h"

namespace roadstead::registry {

inline constexpr std::string_view kOciIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciConfigType = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kOciLayerType = "application/vnd.oci.image.layer.v1.tar";

// The user that the Agent runs as in the image: 65532, "nonroot".
inline constexpr std::string_view kImageUser = "65532:65532";

struct Blob {
  std::string media_type;
  std::string text;                            // "" when it lies in a file
  std::shared_ptr<const io::MappedFile> file;  // nullptr when it lies in memory
  std::string_view bytes() const { return file != nullptr ? file->bytes() : text; }
};

class AgentImage {
 public:
  // One ELF program for each architecture. InvalidArgument when one is no Linux program, is linked
  // to shared objects (the image holds none), or stands for an architecture that another one has.
  static Result<AgentImage> build(const std::vector<std::string_view>& binaries,
                                  std::string_view version);

  // "sha256:..." of the index, and all blobs by digest: index, manifests, configs, layers.
  const std::string& digest() const { return index_digest_; }
  const std::map<std::string, Blob, std::less<>>& blobs() const { return blobs_; }
  const std::vector<std::string>& architectures() const { return architectures_; }

  // Moves the layers from memory into files of this folder, which holds nothing else; what was left
  // there by other versions is removed. Blocks.
  Result<void> keep_layers_in(const std::string& folder);

  // A tar that `ctr images import`, `docker load`, podman and skopeo read, under this name
  // ("hub.example:8443/roadstead/agent:0.1.0").
  Result<std::string> archive(std::string_view reference) const;

 private:
  struct Platform {
    std::string manifest_digest;
    std::string config_digest;
    std::string layer_digest;
  };

  std::string add(std::string_view media_type, std::string bytes);
  Platform add_platform(std::string_view binary, const std::string& architecture,
                        std::string_view version);

  std::string index_digest_;
  std::map<std::string, Blob, std::less<>> blobs_;
  std::vector<std::string> architectures_;
  std::vector<Platform> platforms_;
};

// "amd64" or "arm64", from the ELF header.
Result<std::string> architecture_of(std::string_view elf);

}  // namespace roadstead::registry
