// SPDX-License-Identifier: Apache-2.0
#include "http/relay.h"

namespace roadstead::http {

io::Task<RelayOutcome> relay(BodySource& from, BodySink& to, Trailers trailers) {
  RelayOutcome outcome;
  for (;;) {
    auto chunk = co_await from.read();
    if (!chunk.ok()) {
      outcome.end = RelayOutcome::End::SourceFailed;
      outcome.error = std::move(chunk).error();
      co_return outcome;
    }
    if (chunk->empty()) {
      auto finished = co_await to.finish(trailers == Trailers::Pass ? from.trailers() : Headers());
      if (!finished.ok()) {
        outcome.end = RelayOutcome::End::SinkFailed;
        outcome.error = std::move(finished).error();
      }
      co_return outcome;
    }
    outcome.bytes += chunk->size();
    auto written = co_await to.write(*chunk);
    if (!written.ok()) {
      outcome.end = RelayOutcome::End::SinkFailed;
      outcome.error = std::move(written).error();
      co_return outcome;
    }
  }
}

io::Task<Result<std::string>> read_whole(BodySource& body, std::size_t limit) {
  std::string all;
  for (;;) {
    CO_TRY(const std::string chunk, co_await body.read());
    if (chunk.empty()) {
      co_return all;
    }
    if (all.size() + chunk.size() > limit) {
      co_return Error(ErrorKind::PayloadTooLarge,
                      "the body is longer than " + std::to_string(limit) + " bytes");
    }
    all += chunk;
  }
}

io::Task<void> send_whole(ServerExchange& exchange, ResponseHead head, std::string_view body) {
  const bool may_have_body = head.status >= 200 && head.status != 204 && head.status != 304;
  if (may_have_body) {
    head.headers.add("content-length", std::to_string(body.size()));
  }
  const bool ends = !may_have_body || body.empty() || exchange.request().method == "HEAD";
  const auto responded = co_await exchange.respond(std::move(head), ends);
  if (!responded.ok() || ends) {
    co_return;
  }
  const auto written = co_await exchange.write(body);
  if (written.ok()) {
    static_cast<void>(co_await exchange.finish());
  }
}

}  // namespace roadstead::http
