// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

namespace roadstead::net {

io::Task<Result<std::size_t>> Stream::read_some(std::span<std::byte> into) {
  for (;;) {
    const IoOutcome outcome = try_read(into);
    switch (outcome.status) {
      case IoStatus::Done:
        co_return outcome.bytes;
      case IoStatus::EndOfStream:
        co_return std::size_t{0};
      case IoStatus::Failed:
        co_return last_error();
      case IoStatus::WouldBlock:
        CO_TRY_VOID(co_await readable());
    }
  }
}

io::Task<Result<void>> Stream::write_all(std::span<const std::byte> from) {
  while (!from.empty()) {
    const IoOutcome outcome = try_write(from);
    if (outcome.status == IoStatus::Done) {
      from = from.subspan(outcome.bytes);
    } else if (outcome.status == IoStatus::WouldBlock) {
      CO_TRY_VOID(co_await writable());
    } else {
      co_return last_error();
    }
  }
  co_return Result<void>();
}

io::Task<Result<void>> Stream::write_all(std::string_view text) {
  return write_all(std::as_bytes(std::span(text)));
}

}  // namespace roadstead::net
