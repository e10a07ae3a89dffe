// SPDX-License-Identifier: Apache-2.0
// From a request head to what is sent on a lane: no dot segments, no impersonation, no fields of
// ours, whatever the head says. The input is a head as it stands on the wire.
#include <cstddef>
#include <cstdint>

#include "base/ascii.h"
#include "base/check.h"
#include "http/h1_parser.h"
#include "stub/plan.h"
#include "tunnel/header_rules.h"
#include "tunnel/protocol.h"

namespace {

using namespace roadstead;

bool is_dots(std::string_view segment) {
  std::string plain;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const bool dot = segment[i] == '%' && i + 2 < segment.size() && segment[i + 1] == '2' &&
                     ascii::lower(segment[i + 2]) == 'e';
    plain.push_back(dot ? '.' : segment[i]);
    i += dot ? 2 : 0;
  }
  return plain == "." || plain == "..";
}

void check_path(std::string_view target) {
  for (const std::string_view segment : ascii::split(target.substr(0, target.find('?')), '/')) {
    if (segment == "proxy") {
      return;
    }
    CHECK(!is_dots(segment), target);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view wire(reinterpret_cast<const char*>(data), size);
  http::H1HeadScanner scanner(65536);
  if (scanner.scan(wire) != http::H1HeadScanner::State::Complete) {
    return 0;
  }
  http::H1Request request;
  if (http::parse_request(wire.substr(0, scanner.head_bytes()), request)) {
    return 0;
  }
  const std::string target = request.head.target;
  const std::string method = request.head.method;
  const auto plan = stub::make_plan(std::move(request.head), target, true, "an-id");
  if (!plan.ok()) {
    return 0;
  }
  CHECK(plan->head.target == target, "the path goes on byte for byte");
  check_path(target);
  CHECK(!tunnel::find_impersonation(plan->head.headers).has_value(), "nobody impersonates");
  CHECK(plan->head.headers.count("audit-id") == 1, "one audit id");
  CHECK(plan->upgrade.empty() == (plan->head.protocol.empty()), "upgrades are extended CONNECT");
  CHECK(!plan->repeatable || method == "GET" || method == "HEAD" || method == "OPTIONS", method);
  for (const http::Header& h : plan->head.headers) {
    CHECK(!h.name.starts_with("rs-") || h.name == tunnel::kMethodField, h.name);
  }
  return 0;
}
