// SPDX-License-Identifier: Apache-2.0
// One run of the program: which hub, with which credential, and how to talk to the person. Clients
// are made when first needed and kept until the end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/api_client.h"
#include "cli/config.h"
#include "cli/credential.h"
#include "cli/environment.h"
#include "cli/output.h"
#include "cli/text.h"

namespace roadstead::cli {

inline constexpr std::string_view kApi = "/apis/roadstead.io/v1alpha1";

class Session {
 public:
  explicit Session(Environment& environment);

  Environment& environment() { return environment_; }
  Network& network() { return network_; }
  WallTime now() const { return environment_.clock.wall(); }
  std::ostream& out() { return environment_.out; }
  std::ostream& err() { return environment_.err; }
  Palette out_palette() const { return Palette(colours_ && environment_.out_is_terminal); }
  Palette err_palette() const { return Palette(colours_ && environment_.err_is_terminal); }
  Printer printer(Format format) { return {environment_.out, environment_.err, format}; }

  std::string context_name;  // --hub; "" for the current one

  Result<HubContext> context();
  Result<std::string> hub_roots();  // PEM
  Result<ClientCredential> credential();
  Result<ApiClient*> hub();
  // Into a member cluster, as the person.
  Result<std::unique_ptr<ApiClient>> member(const std::string& cluster);
  Result<net::ProxySettings> proxy() const;

  // What goes on, for who watches; to stderr.
  void say(const std::string& line);
  // InvalidArgument when nobody can be asked.
  Result<void> confirm(const std::string& question, bool already_yes);

 private:
  Result<HttpsTarget> target(const HubContext& context, const std::string& roots) const;

  Environment& environment_;
  bool colours_;
  Network network_;
  std::optional<Config> config_;
  std::unique_ptr<ApiClient> hub_;
};

// The path of an object of the hub: "/apis/roadstead.io/v1alpha1/clusters/ack".
std::string hub_path(std::string_view resource, std::string_view name = {},
                     std::string_view subresource = {});

}  // namespace roadstead::cli
