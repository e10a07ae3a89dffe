// SPDX-License-Identifier: Apache-2.0
#include "http/h1_writer.h"

#include <algorithm>
#include <array>
#include <utility>

namespace roadstead::http {
namespace {

bool is_ours(std::string_view name, bool upgrade) {
  constexpr std::array<std::string_view, 7> kOurs = {
      "connection",        "content-length",  "host", "keep-alive", "te",
      "transfer-encoding", "proxy-connection"};
  return std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end() ||
         (name == "upgrade" && !upgrade);
}

bool is_lower_token(std::string_view name) {
  return is_token(name) &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

Result<void> append_fields(std::string& out, const Headers& headers, const H1Writing& writing) {
  TRY_VOID(check_fields(headers));
  for (const Header& field : headers) {
    if (!is_ours(field.name, writing.upgrade)) {
      append_field(out, field.name, field.value);
    }
  }
  if (writing.kind == BodyKind::Chunked) {
    append_field(out, "transfer-encoding", "chunked");
  } else if (writing.length.has_value()) {
    append_field(out, "content-length", std::to_string(*writing.length));
  }
  if (writing.upgrade) {
    append_field(out, "connection", "Upgrade");
  } else if (writing.close) {
    append_field(out, "connection", "close");
  }
  out += "\r\n";
  return {};
}

std::string_view reason_phrase(int status) {
  constexpr std::array<std::pair<int, std::string_view>, 35> kPhrases = {{
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  }};
  const auto at = std::find_if(kPhrases.begin(), kPhrases.end(),
                               [status](const auto& phrase) { return phrase.first == status; });
  if (at != kPhrases.end()) {
    return at->second;
  }
  return status == 505 ? "HTTP Version Not Supported" : "";
}

void append_status_line(std::string& out, int status) {
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
}

// The reason of a Kubernetes Status; not every HTTP status has one.
std::string_view status_reason(int status) {
  switch (status) {
    case 408:
      return "Timeout";
    case 500:
      return "InternalError";
    default:
      return status < 500 ? "BadRequest" : "";
  }
}

}  // namespace

Result<void> check_fields(const Headers& headers) {
  for (const Header& field : headers) {
    if (!is_lower_token(field.name)) {
      return Error(ErrorKind::InvalidArgument, "a header name is not a lower-case token");
    }
    if (!is_field_value(field.value)) {
      return Error(ErrorKind::InvalidArgument,
                   "the value of header \"" + field.name + "\" holds control characters");
    }
  }
  return {};
}

Result<void> check_trailers(const Headers& trailers) {
  TRY_VOID(check_fields(trailers));
  for (const Header& field : trailers) {
    if (is_forbidden_trailer(field.name)) {
      return Error(ErrorKind::InvalidArgument, "\"" + field.name + "\" cannot be a trailer");
    }
  }
  return {};
}

Result<void> append_request_head(std::string& out, const RequestHead& head,
                                 const H1Writing& writing) {
  if (!is_token(head.method) || head.method == "CONNECT") {
    return Error(ErrorKind::InvalidArgument, "the method cannot be sent");
  }
  const bool form =
      head.target.starts_with('/') || (head.target == "*" && head.method == "OPTIONS");
  if (!form || !is_request_target(head.target)) {
    return Error(ErrorKind::InvalidArgument, "the request target is not a valid path");
  }
  if (!is_authority(head.authority)) {
    return Error(ErrorKind::InvalidArgument, "the authority is not a host name");
  }
  out += head.method;
  out += ' ';
  out += head.target;
  out += " HTTP/1.1\r\n";
  append_field(out, "host", head.authority);
  return append_fields(out, head.headers, writing);
}

Result<void> append_response_head(std::string& out, const ResponseHead& head,
                                  const H1Writing& writing) {
  append_status_line(out, head.status);
  return append_fields(out, head.headers, writing);
}

std::string status_response(int status, std::string_view why, bool with_body) {
  std::string body = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure")";
  body += R"(,"message":")";
  body += why;
  body += '"';
  if (const std::string_view reason = status_reason(status); !reason.empty()) {
    body += R"(,"reason":")";
    body += reason;
    body += '"';
  }
  body += R"(,"code":)";
  body += std::to_string(status);
  body += "}\n";

  std::string out;
  append_status_line(out, status);
  append_field(out, "content-type", "application/json");
  append_field(out, "content-length", std::to_string(body.size()));
  append_field(out, "connection", "close");
  out += "\r\n";
  if (with_body) {
    out += body;
  }
  return out;
}

}  // namespace roadstead::http
