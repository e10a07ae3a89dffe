// SPDX-License-Identifier: Apache-2.0
#include "stub/watch_framer.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/ascii.h"

namespace roadstead::stub {
namespace {

constexpr std::uint64_t kIndefinite = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kMaxDepth = 256;

struct CborItem {
  std::size_t length = 0;      // head and, for strings, content
  std::uint64_t children = 0;  // items that follow inside it; kIndefinite until a break
  bool is_break = false;
};

// Reads one CBOR head (RFC 8949 section 3). nullopt: more bytes are needed. length 0: malformed.
std::optional<CborItem> read_item(std::string_view bytes) {
  if (bytes.empty()) {
    return std::nullopt;
  }
  const auto first = static_cast<unsigned char>(bytes[0]);
  const unsigned major = first >> 5;
  const unsigned info = first & 31;
  std::uint64_t argument = info;
  std::size_t head = 1;
  if (info >= 24 && info <= 27) {
    const std::size_t extra = std::size_t{1} << (info - 24);
    if (bytes.size() < 1 + extra) {
      return std::nullopt;
    }
    argument = 0;
    for (std::size_t i = 0; i < extra; ++i) {
      argument = (argument << 8) | static_cast<unsigned char>(bytes[1 + i]);
    }
    head += extra;
  } else if (info > 27 && info < 31) {
    return CborItem{};
  }
  const bool indefinite = info == 31;
  CborItem item{head, 0, false};
  switch (major) {
    case 2:
    case 3:
      if (indefinite) {
        item.children = kIndefinite;
      } else if (argument > bytes.size() - head) {
        return std::nullopt;
      } else {
        item.length += static_cast<std::size_t>(argument);
      }
      return item;
    case 4:
      item.children = indefinite ? kIndefinite : argument;
      return item;
    case 5:
      item.children = indefinite ? kIndefinite : (argument > (kIndefinite >> 2) ? 0 : 2 * argument);
      return item;
    case 6:
      item.children = 1;
      return indefinite ? CborItem{} : item;
    case 7:
      item.is_break = indefinite;
      return item;
    default:
      return indefinite ? CborItem{} : item;
  }
}

}  // namespace

WatchFramer::Format WatchFramer::format_of(std::string_view content_type) {
  const std::string type =
      ascii::to_lower(ascii::trim(content_type.substr(0, content_type.find(';'))));
  if (type == "application/json") {
    return Format::JsonLines;
  }
  if (type == "application/vnd.kubernetes.protobuf") {
    return Format::LengthDelimited;
  }
  if (type == "application/cbor-seq") {
    return Format::CborSequence;
  }
  return Format::Opaque;
}

std::string WatchFramer::feed(std::string bytes) {
  if (format_ == Format::Opaque || given_up_) {
    given_up_ = true;
    return bytes;
  }
  held_ += bytes;
  std::size_t whole = 0;
  switch (format_) {
    case Format::JsonLines:
      whole = complete_prefix();
      break;
    case Format::LengthDelimited:
      whole = length_delimited_prefix();
      break;
    default:
      whole = cbor_prefix();
      break;
  }
  if (given_up_ || held_.size() - whole > kMaxHeld || !charge(held_.size() - whole)) {
    given_up_ = true;
    charge(0);
    return std::exchange(held_, {});
  }
  if (whole == held_.size()) {
    scanned_ = 0;
    return std::exchange(held_, {});
  }
  std::string out = held_.substr(0, whole);
  held_.erase(0, whole);
  scanned_ = format_ == Format::CborSequence ? scanned_ - whole : held_.size();
  return out;
}

// False when the budget has no room for so much.
bool WatchFramer::charge(std::size_t held) {
  const std::size_t wanted = held > kFree ? held - kFree : 0;
  if (budget_ == nullptr || wanted == charged_) {
    return true;
  }
  if (wanted < charged_) {
    budget_->give_back(charged_ - wanted);
  } else if (!budget_->take(wanted - charged_)) {
    return false;
  }
  charged_ = wanted;
  return true;
}

std::size_t WatchFramer::complete_prefix() const {
  // Only new bytes can hold a newline.
  const std::size_t newline = held_.rfind('\n');
  return newline == std::string::npos || newline < scanned_ ? 0 : newline + 1;
}

std::size_t WatchFramer::length_delimited_prefix() const {
  std::size_t at = 0;
  while (held_.size() - at >= 4) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      n = (n << 8) | static_cast<unsigned char>(held_[at + i]);
    }
    if (held_.size() - at - 4 < n) {
      break;
    }
    at += 4 + n;
  }
  return at;
}

// `scanned_` counts the bytes of whole items seen, `open_` what is still due; the prefix ends where
// nothing was due last.
std::size_t WatchFramer::cbor_prefix() {
  std::size_t boundary = 0;
  for (;;) {
    const auto item = read_item(std::string_view(held_).substr(scanned_));
    if (!item.has_value()) {
      return boundary;
    }
    const bool wrong_break = item->is_break && (open_.empty() || open_.back() != kIndefinite);
    if (item->length == 0 || wrong_break || open_.size() > kMaxDepth) {
      given_up_ = true;
      return 0;
    }
    scanned_ += item->length;
    if (item->is_break) {
      open_.pop_back();
    } else if (item->children > 0) {
      open_.push_back(item->children);
      continue;
    }
    // One item has ended; so do those that waited only for it.
    while (!open_.empty() && open_.back() != kIndefinite && --open_.back() == 0) {
      open_.pop_back();
    }
    if (open_.empty()) {
      boundary = scanned_;
    }
  }
}

}  // namespace roadstead::stub
