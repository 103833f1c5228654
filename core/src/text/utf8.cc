// UTF-8: see utf8.h.
#include "text/utf8.h"

#include "base/bytes.h"

namespace hearth {

Utf8Char decode_utf8_slow(std::string_view text, std::size_t at) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(at);
  if (lead < 0x80) return {lead, 1, Utf8State::kValid};
  // Leads of overlong forms (C0, C1), past U+10FFFF (F5…) and continuation bytes start nothing.
  if (lead < 0xC2 || lead > 0xF4) return {kReplacementCharacter, 1, Utf8State::kBroken};
  const std::uint32_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Only the second byte's range depends on the lead: no overlong forms, surrogates, or planes
  // > 16.
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  auto code = static_cast<char32_t>(lead & (0xFF >> (length + 1)));
  for (std::uint32_t i = 1; i < length; ++i) {
    if (at + i == text.size()) return {kReplacementCharacter, i, Utf8State::kIncomplete};
    const std::uint8_t next = byte(at + i);
    if (next < low || next > high) return {kReplacementCharacter, i, Utf8State::kBroken};
    code = code << 6 | (next & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {code, length, Utf8State::kValid};
}

std::size_t find_invalid_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && (load_le<std::uint64_t>(text.data() + at) & kHighBits) == 0) {
      at += 8;
      continue;
    }
    const Utf8Char c = decode_utf8(text, at);
    if (c.state != Utf8State::kValid) return at;
    at += c.length;
  }
  return at;
}

void append_utf8(char32_t code, std::string& out) {
  auto push = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6);
    push(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    push(0xE0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  } else {
    push(0xF0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3F));
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

}  // namespace hearth
