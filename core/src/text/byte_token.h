// Tokens for single bytes, "<0x0A>", with which SentencePiece's vocabularies spell what they have
// no characters for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth {

/// The byte that "<0x0A>" stands for; upper case, as llama.cpp and SentencePiece write it.
inline std::optional<char> byte_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  int value = 0;
  for (char c : text.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = c >= 'A' && c <= 'F';
    if (!digit && !letter) return std::nullopt;
    value = value * 16 + (digit ? c - '0' : c - 'A' + 10);
  }
  return static_cast<char>(value);
}

/// The token that stands for the byte.
inline std::string byte_token_of(unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
}

}  // namespace hearth
