// SPDX-License-Identifier: Apache-2.0
#include "cli/ladder.h"

#include <algorithm>

#include "kube/object.h"

namespace roadstead::cli {
namespace {

constexpr std::size_t kTypeWidth = 20;
constexpr std::string_view kIndent = "    ";

const json::array& array_at(const json::value& value,
                            std::initializer_list<std::string_view> path) {
  static const json::array kNone;
  const json::value* found = codec::find(value, path);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

bool is_true(const json::value& cluster, std::string_view type) {
  const json::object* condition = kube::find_condition(cluster, type);
  return condition != nullptr && codec::string_at(*condition, {"status"}) == "True";
}

// Time stamps inside a sentence get their age.
std::string with_ages(std::string_view text, WallTime now) {
  constexpr std::size_t kStampBytes = 20;  // 2026-11-22T07:54:08Z
  std::string out;
  while (!text.empty()) {
    const std::string_view head = text.substr(0, kStampBytes);
    if (head.size() == kStampBytes && head[4] == '-' && head[10] == 'T' && head.back() == 'Z') {
      const std::string age = relative_time(head, now);
      if (age != head) {
        out += printable(head) + " (" + age + ')';
        text.remove_prefix(kStampBytes);
        continue;
      }
    }
    out += text.front();
    text.remove_prefix(1);
  }
  return printable(out);
}

void add_detail(std::string& out, std::string_view name, std::string_view text, WallTime now) {
  if (text.empty()) {
    return;
  }
  out.append(kIndent).append(name).append(10 - name.size(), ' ');
  out.append(with_ages(text, now)).append("\n");
}

Table agents_table(const json::value& cluster, WallTime now) {
  Table table;
  table.columns = {"Agent", "Version", "From", "Lanes", "Connected", "Certificate until"};
  for (const json::value& agent : array_at(cluster, {"status", "agents"})) {
    const std::string_view connected = codec::string_at(agent, {"connectedAt"});
    const std::string_view until = codec::string_at(agent, {"certificateNotAfter"});
    table.rows.push_back({std::string(codec::string_at(agent, {"replica"})),
                          std::string(codec::string_at(agent, {"version"}, "?")),
                          std::string(codec::string_at(agent, {"remoteAddress"}, "?")),
                          std::to_string(codec::int_at(agent, {"lanes"})),
                          connected.empty() ? "?" : relative_time(connected, now),
                          until.empty() ? "?" : relative_time(until, now)});
  }
  return table;
}

}  // namespace

bool is_ready(const json::value& cluster) { return is_true(cluster, "Ready"); }

bool is_connected(const json::value& cluster) {
  return !array_at(cluster, {"status", "agents"}).empty() &&
         codec::string_at(cluster, {"status", "phase"}) != "Unreachable";
}

std::string format_step(const json::value& condition, const Palette& palette, WallTime now) {
  const std::string_view status = codec::string_at(condition, {"status"});
  const bool good = status == "True";
  const bool bad = status == "False";
  std::string type = printable(codec::string_at(condition, {"type"}));
  type.append(width_of(type) < kTypeWidth ? kTypeWidth - width_of(type) : 1, ' ');
  std::string out = good  ? palette.paint(Colour::Good, "✓")
                    : bad ? palette.paint(Colour::Bad, "✗")
                          : palette.paint(Colour::Waiting, "…");
  out += ' ' + type + with_ages(codec::string_at(condition, {"message"}), now);
  const std::string_view evidence = codec::string_at(condition, {"evidence"});
  if (good) {
    if (!evidence.empty()) {
      out += "; " + with_ages(evidence, now);
    }
    return out + '\n';
  }
  out += '\n';
  add_detail(out, "seen:", evidence, now);
  add_detail(out, "fix:", codec::string_at(condition, {"fix"}), now);
  const std::string_view since = codec::string_at(condition, {"lastTransitionTime"});
  if (bad && !since.empty()) {
    add_detail(out, "since:", since, now);
  }
  return out;
}

std::string format_ladder(const json::value& cluster, const Palette& palette, WallTime now) {
  const std::string phase = printable(codec::string_at(cluster, {"status", "phase"}, "Pending"));
  const Colour colour = phase == "Running"                            ? Colour::Good
                        : phase == "Failed" || phase == "Unreachable" ? Colour::Bad
                                                                      : Colour::Waiting;
  std::string out = palette.paint(Colour::Strong, printable(kube::name_of(cluster))) + "  " +
                    palette.paint(colour, phase);
  const std::string_view version = codec::string_at(cluster, {"status", "kubernetesVersion"});
  if (!version.empty()) {
    out += "  Kubernetes " + printable(version);
  }
  const std::string_view platform = codec::string_at(cluster, {"status", "platform"});
  if (!platform.empty()) {
    out += "  " + printable(platform);
  }
  if (codec::bool_at(cluster, {"spec", "paused"})) {
    out += "  " + palette.paint(Colour::Waiting, "paused");
  }
  const std::string_view seen = codec::string_at(cluster, {"status", "lastSeen"});
  out += seen.empty() ? "  never heard of\n" : "  last heard " + relative_time(seen, now) + '\n';
  if (phase == "Unreachable" && !seen.empty()) {
    out += "What follows is as old as that.\n";
  }
  out += '\n';
  for (const json::value& condition : array_at(cluster, {"status", "conditions"})) {
    out += format_step(condition, palette, now);
  }
  const Table agents = agents_table(cluster, now);
  if (!agents.rows.empty()) {
    out += '\n' + format_table(agents);
  }
  return out;
}

std::vector<json::value> changed_steps(const json::value& before, const json::value& now_) {
  std::vector<json::value> out;
  for (const json::value& condition : array_at(now_, {"status", "conditions"})) {
    const json::object* old = kube::find_condition(before, codec::string_at(condition, {"type"}));
    const auto same = [&](std::string_view field) {
      return codec::string_at(*old, {field}) == codec::string_at(condition, {field});
    };
    if (old == nullptr || !same("status") || !same("reason") || !same("message")) {
      out.push_back(condition);
    }
  }
  return out;
}

}  // namespace roadstead::cli
