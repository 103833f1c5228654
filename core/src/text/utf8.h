// UTF-8: validation and decoding, by the table of well-formed sequences (The Unicode Standard,
// section 3.9, table 3-7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;
inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

enum class Utf8State : std::uint8_t {
  kValid,       ///< `code` is the character, `length` its bytes
  kBroken,      ///< no character starts here; `length` is the maximal subpart to replace by U+FFFD
  kIncomplete,  ///< the text ends inside a character; `length` is what is there of it
};

struct Utf8Char {
  char32_t code = kReplacementCharacter;
  std::uint32_t length = 0;  ///< bytes, 1 to 4
  Utf8State state = Utf8State::kBroken;
};

/// The character at byte `at`; `at` must be inside `text`.
Utf8Char decode_utf8_slow(std::string_view text, std::size_t at);

inline Utf8Char decode_utf8(std::string_view text, std::size_t at) {
  auto byte = static_cast<std::uint8_t>(text[at]);
  if (byte < 0x80) return {byte, 1, Utf8State::kValid};
  return decode_utf8_slow(text, at);
}

/// Whether the byte goes on a character that an earlier one starts.
constexpr bool is_continuation(char byte) {
  return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80;
}

/// The byte at which the first ill-formed sequence starts, or text.size() when there is none.
std::size_t find_invalid_utf8(std::string_view text);

inline bool is_valid_utf8(std::string_view text) { return find_invalid_utf8(text) == text.size(); }

/// Appends the code point, which must be a scalar value.
void append_utf8(char32_t code, std::string& out);

}  // namespace hearth
