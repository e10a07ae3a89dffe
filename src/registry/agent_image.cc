// SPDX-License-Identifier: Apache-2.0
#include "registry/agent_image.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>

#include "base/release.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "io/files.h"
#include "registry/tar.h"

namespace roadstead::registry {
namespace {

namespace json = codec::json;

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
constexpr std::string_view kGroup = "root:x:0:\nnonroot:x:65532:\n";
constexpr std::string_view kEpoch = "1970-01-01T00:00:00Z";

// ELF-64, little endian (System V ABI, chapter 4).
constexpr std::size_t kElfHeaderBytes = 64;
constexpr std::size_t kElfMachineAt = 18;
constexpr std::size_t kElfSegmentsAt = 32;
constexpr std::size_t kElfSegmentBytesAt = 54;
constexpr std::size_t kElfSegmentCountAt = 56;
constexpr std::uint32_t kElfInterpreter = 3;  // PT_INTERP

template <class T>
T number_at(std::string_view bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

bool needs_loader(std::string_view elf) {
  const auto first = number_at<std::uint64_t>(elf, kElfSegmentsAt);
  const std::size_t size = number_at<std::uint16_t>(elf, kElfSegmentBytesAt);
  const std::size_t count = number_at<std::uint16_t>(elf, kElfSegmentCountAt);
  if (first > elf.size() || size < sizeof(std::uint32_t)) {
    return false;
  }
  for (std::size_t i = 0; i < count && first + (i + 1) * size <= elf.size(); ++i) {
    if (number_at<std::uint32_t>(elf, first + i * size) == kElfInterpreter) {
      return true;
    }
  }
  return false;
}

std::string layer_of(std::string_view binary) {
  TarWriter tar;
  tar.directory("etc/");
  tar.file("etc/group", kGroup);
  tar.file("etc/passwd", kPasswd);
  tar.file("roadstead-agent", binary, 0755);
  return std::move(tar).finish();
}

json::object descriptor(std::string_view media_type, const std::string& digest, std::size_t size) {
  return {{"mediaType", media_type}, {"digest", digest}, {"size", size}};
}

json::object config_of(const std::string& architecture, const std::string& layer,
                       std::string_view version) {
  return {{"architecture", architecture},
          {"os", "linux"},
          {"created", kEpoch},
          {"config",
           {{"Entrypoint", json::array{"/roadstead-agent"}},
            {"User", kImageUser},
            {"WorkingDir", "/"},
            {"Labels",
             {{"org.opencontainers.image.title", "roadstead-agent"},
              {"org.opencontainers.image.version", version},
              {"org.opencontainers.image.licenses", "Apache-2.0"}}}}},
          {"rootfs", {{"type", "layers"}, {"diff_ids", json::array{layer}}}},
          {"history", json::array{{{"created", kEpoch}, {"created_by", "roadstead agent image"}}}}};
}

std::string path_of(std::string_view digest) {
  std::string path("blobs/");
  path.append(digest);
  path[path.find(':')] = '/';
  return path;
}

}  // namespace

Result<std::string> architecture_of(std::string_view elf) {
  if (elf.size() < kElfHeaderBytes || !elf.starts_with("\x7f"
                                                       "ELF\x02\x01")) {
    return Error(ErrorKind::InvalidArgument, "is no 64-bit Linux program (ELF)");
  }
  switch (number_at<std::uint16_t>(elf, kElfMachineAt)) {
    case 62:
      return std::string("amd64");
    case 183:
      return std::string("arm64");
    default:
      return Error(ErrorKind::InvalidArgument, "is a program for neither amd64 nor arm64");
  }
}

std::string AgentImage::add(std::string_view media_type, std::string bytes) {
  std::string digest = "sha256:" + crypto::sha256_hex(bytes);
  blobs_.insert_or_assign(digest, Blob{std::string(media_type), std::move(bytes), nullptr});
  return digest;
}

AgentImage::Platform AgentImage::add_platform(std::string_view binary,
                                              const std::string& architecture,
                                              std::string_view version) {
  Platform platform;
  platform.layer_digest = add(kOciLayerType, layer_of(binary));
  platform.config_digest = add(
      kOciConfigType, codec::write_json(config_of(architecture, platform.layer_digest, version)));
  const json::object manifest{
      {"schemaVersion", 2},
      {"mediaType", kOciManifestType},
      {"config", descriptor(kOciConfigType, platform.config_digest,
                            blobs_[platform.config_digest].bytes().size())},
      {"layers", json::array{descriptor(kOciLayerType, platform.layer_digest,
                                        blobs_[platform.layer_digest].bytes().size())}}};
  platform.manifest_digest = add(kOciManifestType, codec::write_json(manifest));
  return platform;
}

Result<AgentImage> AgentImage::build(const std::vector<std::string_view>& binaries,
                                     std::string_view version) {
  std::map<std::string, std::string_view> by_architecture;
  for (const std::string_view binary : binaries) {
    TRY(const std::string architecture, architecture_of(binary).with_context("the Agent's binary"));
    if (needs_loader(binary)) {
      return Error(ErrorKind::InvalidArgument,
                   "the Agent's binary for " + architecture +
                       " needs shared objects, and the image holds none; give the static one");
    }
    if (!by_architecture.emplace(architecture, binary).second) {
      return Error(ErrorKind::InvalidArgument, "two Agent binaries for " + architecture);
    }
  }
  if (by_architecture.empty()) {
    return Error(ErrorKind::InvalidArgument, "an image needs the Agent's binary");
  }
  AgentImage image;
  json::array manifests;
  for (const auto& [architecture, binary] : by_architecture) {
    const Platform platform = image.add_platform(binary, architecture, version);
    json::object entry = descriptor(kOciManifestType, platform.manifest_digest,
                                    image.blobs_[platform.manifest_digest].bytes().size());
    entry["platform"] = {{"architecture", architecture}, {"os", "linux"}};
    manifests.emplace_back(std::move(entry));
    image.architectures_.push_back(architecture);
    image.platforms_.push_back(platform);
  }
  image.index_digest_ = image.add(
      kOciIndexType, codec::write_json(json::object{{"schemaVersion", 2},
                                                    {"mediaType", kOciIndexType},
                                                    {"manifests", std::move(manifests)}}));
  return image;
}

Result<void> AgentImage::keep_layers_in(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::set<std::string> kept;
  for (const Platform& platform : platforms_) {
    Blob& layer = blobs_.find(platform.layer_digest)->second;
    const std::string name = platform.layer_digest.substr(platform.layer_digest.find(':') + 1);
    const std::string path = folder + '/' + name;
    auto present = io::MappedFile::open(path);
    if (!present.ok() || (*present)->bytes() != layer.bytes()) {
      TRY_VOID(io::replace_file(path, layer.bytes()));
      present = io::MappedFile::open(path);
    }
    TRY(layer.file, std::move(present));
    release(layer.text);
    layer.file->forget();
    kept.insert(name);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!kept.contains(entry.path().filename().string())) {
      std::filesystem::remove(entry.path(), error);
    }
  }
  return {};
}

Result<std::string> AgentImage::archive(std::string_view reference) const {
  // The tag stands after the last colon, unless that belongs to the registry's port.
  const std::size_t colon = reference.rfind(':');
  const std::size_t slash = reference.rfind('/');
  const bool tagged = colon != std::string_view::npos && slash != std::string_view::npos &&
                      colon > slash && colon + 1 < reference.size();
  if (!tagged || reference.find_first_of(" @\"\\") != std::string_view::npos) {
    return Error(ErrorKind::InvalidArgument, "image name \"" + std::string(reference) +
                                                 "\" must have the form HOST/PATH:TAG, such as "
                                                 "hub.example:8443/roadstead/agent:0.1.0");
  }
  json::object entry =
      descriptor(kOciIndexType, index_digest_, blobs_.find(index_digest_)->second.bytes().size());
  entry["annotations"] = {{"io.containerd.image.name", reference},
                          {"org.opencontainers.image.ref.name", reference.substr(colon + 1)}};
  // What `docker load` reads; it knows one platform.
  const json::array for_docker{
      {{"Config", path_of(platforms_.front().config_digest)},
       {"RepoTags", json::array{json::string(reference)}},
       {"Layers", json::array{json::string(path_of(platforms_.front().layer_digest))}}}};

  TarWriter tar;
  tar.directory("blobs/");
  tar.directory("blobs/sha256/");
  for (const auto& [digest, blob] : blobs_) {
    tar.file(path_of(digest), blob.bytes());
  }
  tar.file("index.json",
           codec::write_json(json::object{{"schemaVersion", 2},
                                          {"mediaType", kOciIndexType},
                                          {"manifests", json::array{std::move(entry)}}}));
  tar.file("manifest.json", codec::write_json(for_docker));
  tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  return std::move(tar).finish();
}

}  // namespace roadstead::registry
