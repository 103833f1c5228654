// The byte-level alphabet: see byte_level.h.
#include "text/byte_level.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace hearth {
namespace {

// Bytes that are printable in Latin-1 stand for themselves; the others take U+0100, U+0101, … in
// their order. So the highest character is U+0100 + 67.
constexpr int kAlphabetEnd = 0x100 + 68;

struct Alphabet {
  std::array<char16_t, 256> character{};
  std::array<std::int16_t, kAlphabetEnd> byte{};  // -1 where the character is none of ours

  constexpr Alphabet() {
    byte.fill(-1);
    char16_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      character[b] = printable ? static_cast<char16_t>(b) : next++;
      byte[character[b]] = static_cast<std::int16_t>(b);
    }
  }
};
constexpr Alphabet kAlphabet;

}  // namespace

bool append_byte_level_decoded(std::string_view written, std::string& out) {
  const std::size_t before = out.size();
  for (std::size_t at = 0; at < written.size();) {
    const Utf8Char c = decode_utf8(written, at);
    if (c.code >= kAlphabetEnd || kAlphabet.byte[c.code] < 0) {
      out.resize(before);
      return false;
    }
    out.push_back(static_cast<char>(kAlphabet.byte[c.code]));
    at += c.length;
  }
  return true;
}

void append_byte_level_encoded(std::string_view bytes, std::string& out) {
  for (char byte : bytes) append_utf8(kAlphabet.character[static_cast<std::uint8_t>(byte)], out);
}

}  // namespace hearth
