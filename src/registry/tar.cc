// SPDX-License-Identifier: Apache-2.0
#include "registry/tar.h"

#include <array>
#include <cstring>

#include "base/check.h"

namespace roadstead::registry {
namespace {

constexpr std::size_t kBlock = 512;

// The header's fields: offset and length, by POSIX.1-1988.
struct Field {
  std::size_t offset;
  std::size_t length;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kOwner{108, 8};
constexpr Field kGroup{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kTime{136, 12};
constexpr Field kSum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kMagic{257, 8};

using Header = std::array<char, kBlock>;

void put_text(Header& header, Field field, std::string_view text) {
  std::memcpy(header.data() + field.offset, text.data(), text.size());
}

// Octal digits, then NUL.
void put_number(Header& header, Field field, std::size_t number) {
  for (std::size_t i = field.length - 1; i-- > 0;) {
    header[field.offset + i] = static_cast<char>('0' + number % 8);
    number /= 8;
  }
  CHECK(number == 0, "a number does not fit into a tar header");
}

}  // namespace

void TarWriter::header(std::string_view name, unsigned mode, std::size_t size, char type) {
  CHECK(!name.empty() && name.size() <= kName.length, "a tar entry's name has 1 to 100 bytes");
  Header header{};
  put_text(header, kName, name);
  put_number(header, kMode, mode);
  put_number(header, kOwner, 0);
  put_number(header, kGroup, 0);
  put_number(header, kSize, size);
  put_number(header, kTime, 0);
  put_text(header, kType, std::string_view(&type, 1));
  put_text(header, kMagic, std::string_view("ustar\00000", 8));
  put_text(header, kSum, "        ");
  std::size_t sum = 0;
  for (const char c : header) {
    sum += static_cast<unsigned char>(c);
  }
  put_number(header, {kSum.offset, kSum.length - 1}, sum);
  out_.append(header.data(), header.size());
}

void TarWriter::directory(std::string_view name, unsigned mode) { header(name, mode, 0, '5'); }

void TarWriter::file(std::string_view name, std::string_view content, unsigned mode) {
  header(name, mode, content.size(), '0');
  out_.append(content);
  out_.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

std::string TarWriter::finish() && {
  out_.append(2 * kBlock, '\0');
  return std::move(out_);
}

}  // namespace roadstead::registry
