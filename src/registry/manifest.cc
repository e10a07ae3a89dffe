// SPDX-License-Identifier: Apache-2.0
#include "registry/manifest.h"

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "codec/base64.h"
#include "registry/manifest_template.h"

namespace roadstead::registry {
namespace {

// Characters that mean the same inside and outside of quotes and comments.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= 512 && std::all_of(text.begin(), text.end(), [](char c) {
    return ascii::is_alpha(c) || ascii::is_digit(c) ||
           std::string_view("-_.:/@[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<Secret> render_manifest(const ManifestValues& v) {
  const std::map<std::string_view, std::string> plain{
      {"CLUSTER", v.cluster},
      {"LOGIN", v.login},
      {"MEMBER_USER", v.member_user},
      {"REGISTRAR_ROLE", v.registrar_role},
      {"IMAGE", v.image},
      {"CREATED", v.created},
      {"TOKEN_EXPIRES", v.token_expires},
      {"REPLICAS", std::to_string(v.replicas)},
  };
  for (const auto& [name, value] : plain) {
    if (!is_plain(value)) {
      return Error(ErrorKind::InvalidArgument, "the value for " + std::string(name) +
                                                   " in the manifest is not usable: \"" +
                                                   value.substr(0, 64) + "\"");
    }
  }
  std::map<std::string_view, std::string> all = plain;
  all["HUB_BASE64"] = codec::base64_encode(v.hub);
  all["CLUSTER_BASE64"] = codec::base64_encode(v.cluster);
  all["CLUSTER_UID_BASE64"] = codec::base64_encode(v.cluster_uid);
  all["HUB_ROOTS_BASE64"] = codec::base64_encode(v.hub_roots_pem);
  all["USER_ROOTS_BASE64"] = codec::base64_encode(v.user_roots_pem);
  all["TOKEN_BASE64"] = codec::base64_encode(v.token.reveal());

  std::string out;
  std::string_view rest = kManifestTemplate;
  for (;;) {
    const std::size_t at = rest.find("${");
    out.append(rest.substr(0, at));
    if (at == std::string_view::npos) {
      return Secret(std::move(out));
    }
    rest.remove_prefix(at + 2);
    const std::size_t end = rest.find('}');
    const auto value = all.find(rest.substr(0, end));
    CHECK(end != std::string_view::npos && value != all.end(), "unknown name in the template");
    out.append(value->second);
    rest.remove_prefix(end + 1);
  }
}

}  // namespace roadstead::registry
