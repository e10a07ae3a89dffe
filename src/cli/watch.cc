// SPDX-License-Identifier: Apache-2.0
// roadstead cluster watch, and the follower that `cluster connect` shares with it.
#include <algorithm>
#include <ostream>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/ladder.h"

namespace roadstead::cli {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(500);
constexpr Duration kSilence = std::chrono::seconds(60);

struct WatchOptions {
  std::string name;
  std::string timeout = "10m";
  std::string output;
};

Result<void> watch(Session& session, const WatchOptions& options) {
  TRY(const Format format, parse_format(options.output));
  TRY(const Duration timeout, parse_duration(options.timeout).with_context("--timeout"));
  TRY(ApiClient * hub, session.hub());
  TRY(const json::value cluster, follow_until_ready(session, *hub, options.name, timeout, {}));
  if (format == Format::Table || format == Format::Wide) {
    session.out() << '\n' << format_ladder(cluster, session.out_palette(), session.now());
    return {};
  }
  return session.printer(format).print(cluster);
}

std::string seconds_text(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count() / 1000);
}

// The step that is in the way, for the error after the time-out.
std::string obstacle(const json::value& cluster) {
  const json::value* conditions = codec::find(cluster, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) {
    return "nothing has been seen of it";
  }
  for (const json::value& condition : conditions->get_array()) {
    if (codec::string_at(condition, {"status"}) == "True") {
      continue;
    }
    std::string out = printable(codec::string_at(condition, {"type"})) + ": " +
                      printable(codec::string_at(condition, {"message"}));
    const std::string fix = printable(codec::string_at(condition, {"fix"}));
    return fix.empty() ? out : out + "\nfix: " + fix;
  }
  return "all steps are good";
}

}  // namespace

Result<json::value> follow_until_ready(Session& session, ApiClient& hub, const std::string& name,
                                       Duration timeout, const std::function<void()>& meanwhile) {
  const Clock& clock = session.environment().clock;
  const MonotonicTime start = clock.now();
  MonotonicTime last_change = start;
  bool told = false;
  json::value before;
  for (;;) {
    auto looked = hub.get(hub_path("clusters", name));
    // A hub that restarts is waited for; everything else ends here.
    if (!looked.ok() && looked.error().kind() != ErrorKind::Network &&
        looked.error().kind() != ErrorKind::Unavailable &&
        looked.error().kind() != ErrorKind::EndOfStream) {
      return looked.error();
    }
    const MonotonicTime now = clock.now();
    if (looked.ok()) {
      for (const json::value& step : changed_steps(before, *looked)) {
        std::string text = format_step(step, session.err_palette(), session.now());
        text.pop_back();
        session.say(text);
        last_change = now;
        told = false;
      }
      before = std::move(*looked);
      if (is_ready(before)) {
        session.say("Ready after " + seconds_text(now - start) + " s.");
        return before;
      }
    }
    if (meanwhile) {
      meanwhile();
    }
    if (!told && now - last_change >= kSilence) {
      told = true;
      session.say("Nothing has changed for a minute. Look from the member's side:\n  " +
                  std::string(kMemberSideCommand) +
                  "\n  kubectl -n roadstead-system get pods,events\n  kubectl -n roadstead-system "
                  "logs deploy/roadstead-agent");
    }
    if (session.environment().interrupted()) {
      return Error(ErrorKind::Cancelled, "stopped; " + printable(name) +
                                             " goes on by itself. Look again with: roadstead "
                                             "cluster watch " +
                                             printable(name));
    }
    if (now - start >= timeout) {
      return Error(ErrorKind::DeadlineExceeded, "cluster " + printable(name) +
                                                    " is not ready after " + age_text(timeout) +
                                                    ": " + obstacle(before));
    }
    session.network().sleep(kLook);
  }
}

void add_cluster_watch(Commands& commands, CLI::App* cluster) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* command =
      cluster->add_subcommand("watch", "Follow a cluster's steps until it is ready");
  command->add_option("NAME", options->name, "Name of the cluster")->required();
  command->add_option("--timeout", options->timeout, "Give up after so long; default 10m")
      ->type_name("TIME");
  add_output(command, options->output);
  commands.completes[command] = "clusters";
  commands.on(command, [&commands, options] { return watch(commands.session, *options); });
}

}  // namespace roadstead::cli
