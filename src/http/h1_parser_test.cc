// SPDX-License-Identifier: Apache-2.0
#include "http/h1_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace roadstead::http {
namespace {

// 0 when accepted, the status of the refusal otherwise; 1 when the head is not complete.
int verdict(const std::string& head, H1Request* out = nullptr) {
  H1HeadScanner scanner(64 * 1024);
  switch (scanner.scan(head)) {
    case H1HeadScanner::State::More:
      return 1;
    case H1HeadScanner::State::BareLf:
      return 400;
    case H1HeadScanner::State::TooLarge:
      return 431;
    case H1HeadScanner::State::Complete:
      break;
  }
  H1Request request;
  const auto reject =
      parse_request(std::string_view(head).substr(0, scanner.head_bytes()), request);
  if (out != nullptr) {
    *out = std::move(request);
  }
  return reject.has_value() ? reject->status : 0;
}

std::string get_with(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
}

struct Case {
  const char* name;
  std::string head;
  int status;
};

class HostileHead : public testing::TestWithParam<Case> {};

TEST_P(HostileHead, HasItsAnswer) { EXPECT_EQ(verdict(GetParam().head), GetParam().status); }

const std::vector<Case> kHostile = {
    {"plain", get_with(""), 0},
    {"both_framings", get_with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"both_framings_reversed", get_with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
     400},
    {"length_repeated", get_with("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
    {"length_list", get_with("Content-Length: 3, 3\r\n"), 400},
    {"length_plus", get_with("Content-Length: +3\r\n"), 400},
    {"length_minus", get_with("Content-Length: -0\r\n"), 400},
    {"length_hex", get_with("Content-Length: 0x3\r\n"), 400},
    {"length_inner_space", get_with("Content-Length: 1 2\r\n"), 400},
    {"length_empty", get_with("Content-Length: \r\n"), 400},
    {"length_overflow", get_with("Content-Length: 18446744073709551617\r\n"), 400},
    {"length_vertical_tab", get_with("Content-Length: \v3\r\n"), 400},
    {"coding_gzip", get_with("Transfer-Encoding: gzip\r\n"), 501},
    {"coding_list", get_with("Transfer-Encoding: gzip, chunked\r\n"), 501},
    {"coding_chunked_twice", get_with("Transfer-Encoding: chunked, chunked\r\n"), 501},
    {"coding_identity", get_with("Transfer-Encoding: identity\r\n"), 501},
    {"coding_repeated", get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     400},
    {"coding_quoted", get_with("Transfer-Encoding: \"chunked\"\r\n"), 501},
    {"coding_vertical_tab", get_with("Transfer-Encoding: \vchunked\r\n"), 400},
    {"coding_space_before_colon", get_with("Transfer-Encoding : chunked\r\n"), 400},
    {"coding_any_case", get_with("tRANSFER-eNCODING:\tCHUNKED \r\n"), 0},
    {"bare_lf_request_line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
    {"bare_lf_field", get_with("A: b\nC: d\r\n"), 400},
    {"bare_lf_end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
    {"lf_first", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"empty_line_first", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"bare_cr_in_value", get_with("A: b\rC: d\r\n"), 400},
    {"cr_cr_lf", get_with("A: b\r\r\n"), 400},
    {"obs_fold_space", get_with("A: b\r\n c\r\n"), 400},
    {"obs_fold_tab", get_with("A: b\r\n\tc\r\n"), 400},
    {"obs_fold_first", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
    {"nul_in_value", get_with(std::string("A: b\0c\r\n", 8)), 400},
    {"del_in_value", get_with("A: b\x7f\r\n"), 400},
    {"escape_in_value", get_with("A: \x1b[1m\r\n"), 400},
    {"tab_in_value", get_with("A: b\tc\r\n"), 0},
    {"utf8_in_value", get_with("A: \xc3\xa9\r\n"), 0},
    {"nul_in_name", get_with(std::string("A\0: b\r\n", 7)), 400},
    {"space_in_name", get_with("A b: c\r\n"), 400},
    {"space_before_colon", get_with("A : b\r\n"), 400},
    {"tab_before_colon", get_with("A\t: b\r\n"), 400},
    {"empty_name", get_with(": b\r\n"), 400},
    {"no_colon", get_with("AB\r\n"), 400},
    {"name_not_a_token", get_with("A(b): c\r\n"), 400},
    {"name_utf8", get_with("\xc3\xa9: c\r\n"), 400},
    {"name_underscore", get_with("impersonate_user: c\r\n"), 0},
    {"http_1_0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505},
    {"http_1_2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
    {"http_2_preface", "PRI * HTTP/2.0\r\n\r\n", 505},
    {"http_0_9", "GET /\r\n\r\n", 400},
    {"version_lower_case", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
    {"version_long", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400},
    {"version_trailing_space", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
    {"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two_hosts", get_with("Host: x\r\n"), 400},
    {"two_hosts_differ", get_with("hOST: y\r\n"), 400},
    {"empty_host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"host_with_user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"host_with_path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"host_list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"host_bad_port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
    {"host_empty_port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 400},
    {"host_ipv6", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n", 0},
    {"host_ipv6_open", "GET / HTTP/1.1\r\nHost: [2001:db8::1\r\n\r\n", 400},
    {"host_ipv6_tail", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400},
    {"two_spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"tab_as_space", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"space_in_target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"method_not_a_token", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"empty_method", " / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"target_nul", std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 28), 400},
    {"target_utf8", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"target_fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"target_relative", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"target_star_get", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"target_star_options", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 0},
    {"absolute", "GET https://x/a HTTP/1.1\r\nHost: x\r\n\r\n", 0},
    {"absolute_other_host", "GET https://y/a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"absolute_user", "GET https://u@x/a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"absolute_no_host", "GET https:///a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"absolute_odd_scheme", "GET ftp://x/a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"connect", "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 0},
    {"connect_path", "CONNECT /a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"connection_quoted", get_with("Connection: \"close, upgrade\"\r\n"), 400},
    {"connection_empty_elements", get_with("Connection: , close,,\r\n"), 0},
    {"expect_other", get_with("Expect: 200-ok\r\n"), 417},
    {"expect_twice", get_with("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417},
    {"too_large", get_with("A: " + std::string(65536, 'a') + "\r\n"), 431},
    {"not_yet", "GET / HTTP/1.1\r\nHost: x\r\n", 1},
};

INSTANTIATE_TEST_SUITE_P(H1Parser, HostileHead, testing::ValuesIn(kHostile),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(H1Parser, CountsFields) {
  std::string lines;
  for (std::size_t i = 0; i + 1 < kMaxHeaderFields; ++i) {
    lines += "A: b\r\n";
  }
  EXPECT_EQ(verdict(get_with(lines)), 0);
  EXPECT_EQ(verdict(get_with(lines + "A: b\r\n")), 431);
}

TEST(H1Parser, LimitsTheHeadToTheByte) {
  const std::string head = get_with("A: b\r\n");
  H1HeadScanner fits(head.size());
  EXPECT_EQ(fits.scan(head), H1HeadScanner::State::Complete);
  H1HeadScanner tight(head.size() - 1);
  EXPECT_EQ(tight.scan(head), H1HeadScanner::State::TooLarge);
}

TEST(H1Parser, KeepsTheTargetAndLowersNames) {
  H1Request request;
  ASSERT_EQ(verdict("GET /A/../%2e%2F//b?c=/&d=%00 HTTP/1.1\r\nHOST: X:6443\r\nAcCept-X:  A b\t\r\n"
                    "Accept-X:\r\n\r\n",
                    &request),
            0);
  EXPECT_EQ(request.head.target, "/A/../%2e%2F//b?c=/&d=%00");
  EXPECT_EQ(request.head.authority, "X:6443");
  Headers expected;
  expected.add("accept-x", "A b");
  expected.add("accept-x", "");
  EXPECT_EQ(request.head.headers, expected);
}

TEST(H1Parser, ReducesAbsoluteTargetsToPaths) {
  H1Request request;
  const auto target_of = [&request](const std::string& line) {
    EXPECT_EQ(verdict(line + " HTTP/1.1\r\nHost: x:1\r\n\r\n", &request), 0) << line;
    return request.head.target;
  };
  EXPECT_EQ(target_of("GET http://x:1/a?b"), "/a?b");
  EXPECT_EQ(request.head.scheme, "http");
  EXPECT_EQ(target_of("GET HTTPS://X:1"), "/");
  EXPECT_EQ(target_of("GET https://x:1?q"), "/?q");
  EXPECT_EQ(target_of("OPTIONS https://x:1"), "*");
  EXPECT_EQ(target_of("OPTIONS https://x:1/"), "/");
}

TEST(H1Parser, ReadsFramingAndConnection) {
  H1Request request;
  ASSERT_EQ(verdict(get_with("Content-Length: 007\r\nConnection: Keep-Alive , CLOSE\r\n"
                             "Expect: 100-Continue\r\n"),
                    &request),
            0);
  EXPECT_EQ(request.framing, (H1Framing{BodyKind::Length, 7}));
  EXPECT_FALSE(request.keep_alive);
  EXPECT_FALSE(request.upgrade);
  EXPECT_TRUE(request.expect_continue);

  ASSERT_EQ(verdict(get_with("Connection: keep-alive\r\nConnection: Upgrade\r\n"
                             "Upgrade: SPDY/3.1\r\nExpect: 100-continue\r\n"),
                    &request),
            0);
  EXPECT_TRUE(request.upgrade);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.expect_continue) << "there is no body to wait for";

  ASSERT_EQ(verdict(get_with("Upgrade: websocket\r\n"), &request), 0);
  EXPECT_FALSE(request.upgrade) << "Connection does not name it";
}

int response_verdict(const std::string& head, bool to_head = false, H1Response* out = nullptr) {
  H1Response response;
  const auto reject = parse_response(head, to_head, response);
  if (out != nullptr) {
    *out = std::move(response);
  }
  return reject.has_value() ? reject->status : 0;
}

TEST(H1Parser, RefusesHostileResponses) {
  for (const std::string& head : std::vector<std::string>{
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 101 Switching\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 +20 OK\r\n\r\n",
           "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/1.1 600 OK\r\n\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "http/1.1 200 OK\r\n\r\n",
           "HTTP/1.1 200 O\x01K\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
           "HTTP/1.1 200 OK\r\nA\r\n\r\n",
           "\r\n",
           "GET / HTTP/1.1\r\n\r\n"}) {
    EXPECT_NE(response_verdict(head), 0) << head;
  }
}

TEST(H1Parser, FramesResponses) {
  H1Response response;
  const auto kind = [&response](const std::string& rest, bool to_head = false) {
    EXPECT_EQ(response_verdict("HTTP/1.1 " + rest + "\r\n\r\n", to_head, &response), 0) << rest;
    return response.framing.kind;
  };
  EXPECT_EQ(kind("200 OK"), BodyKind::UntilClose);
  EXPECT_FALSE(response.keep_alive);
  EXPECT_EQ(kind("200 OK\r\nContent-Length: 5"), BodyKind::Length);
  EXPECT_EQ(response.framing.length, 5U);
  EXPECT_TRUE(response.keep_alive);
  EXPECT_EQ(kind("200 OK\r\nContent-Length: 5", true), BodyKind::None);
  EXPECT_EQ(kind("200 \r\nTransfer-Encoding: chunked"), BodyKind::Chunked);
  EXPECT_EQ(kind("304 Not Modified\r\nContent-Length: 5"), BodyKind::None);
  EXPECT_EQ(kind("204 No Content\r\nContent-Length: 0"), BodyKind::None);
  EXPECT_EQ(kind("101 Switching Protocols"), BodyKind::None);
  EXPECT_EQ(kind("200 OK\r\nContent-Length: 0\r\nConnection: close"), BodyKind::None);
  EXPECT_FALSE(response.keep_alive);
  EXPECT_EQ(response_verdict("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false, &response), 0);
  EXPECT_FALSE(response.keep_alive);
}

}  // namespace
}  // namespace roadstead::http
