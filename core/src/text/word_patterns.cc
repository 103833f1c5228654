// Hand-written scanners: see word_patterns.h for the expression of each.
#include "text/word_patterns.h"

#include <array>
#include <cstdint>

#include "text/unicode.h"
#include "text/utf8.h"

namespace hearth {
namespace {

// The classes that all these expressions tell apart; no code point is of two.
enum class Kind : std::uint8_t { kOther, kLetter, kNumber, kSpace };

constexpr Kind ascii_kind(int c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Kind::kLetter;
  if (c >= '0' && c <= '9') return Kind::kNumber;
  if (c == ' ' || (c >= '\t' && c <= '\r')) return Kind::kSpace;
  return Kind::kOther;
}

constexpr std::array<Kind, 128> kAsciiKinds = [] {
  std::array<Kind, 128> kinds{};
  for (int c = 0; c < 128; ++c) kinds[c] = ascii_kind(c);
  return kinds;
}();

struct Seen {
  Kind kind;
  std::uint32_t length;  // bytes
};

Seen look(std::string_view text, std::size_t at) {
  const auto byte = static_cast<std::uint8_t>(text[at]);
  if (byte < 0x80) return {kAsciiKinds[byte], 1};
  const Utf8Char c = decode_utf8(text, at);
  const CharClass properties = char_class(c.code);
  const Kind kind = properties.is_letter()   ? Kind::kLetter
                    : properties.is_number() ? Kind::kNumber
                    : properties.is_space()  ? Kind::kSpace
                                             : Kind::kOther;
  return {kind, c.length};
}

// Where the run of `kind` that starts or goes on at `at` ends.
std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
  while (at < text.size()) {
    const Seen seen = look(text, at);
    if (seen.kind != kind) break;
    at += seen.length;
  }
  return at;
}

char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// The length of an English contraction's ending after the apostrophe at `at`, or 0.
template <bool kAnyCase>
std::size_t contraction(std::string_view text, std::size_t at) {
  auto letter = [&](std::size_t i) {
    if (i >= text.size()) return '\0';
    return kAnyCase ? lower_ascii(text[i]) : text[i];
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const char second = letter(at + 2);
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  return 0;
}

// \s+(?!\S)|\s+ : all of a run of spaces at the end of the text, else all but its last character,
// which may lead the next word; a single one is a word.
std::size_t space_run(std::string_view text, std::size_t at) {
  std::size_t last = at;
  std::size_t end = at;
  while (end < text.size()) {
    const Seen seen = look(text, end);
    if (seen.kind != Kind::kSpace) break;
    last = end;
    end += seen.length;
  }
  return end == text.size() || last == at ? end : last;
}

constexpr bool is_line_end(char c) { return c == '\r' || c == '\n'; }

template <int kMostNumbers, bool kFoldLongS>
std::size_t llama3_family(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '\'') {
    if (const std::size_t length = contraction<true>(text, at)) return at + length;
    if (kFoldLongS && text.substr(at + 1).starts_with("\u017F")) return at + 3;
  }
  const Seen first = look(text, at);
  if (first.kind == Kind::kLetter) return run_end(text, at, Kind::kLetter);
  if (first.kind == Kind::kNumber) {
    std::size_t end = at + first.length;
    for (int count = 1; count < kMostNumbers && end < text.size(); ++count) {
      const Seen next = look(text, end);
      if (next.kind != Kind::kNumber) break;
      end += next.length;
    }
    return end;
  }
  const std::size_t second = at + first.length;
  if (!is_line_end(c) && second < text.size() && look(text, second).kind == Kind::kLetter) {
    return run_end(text, second, Kind::kLetter);
  }
  const bool space_leads =
      c == ' ' && second < text.size() && look(text, second).kind == Kind::kOther;
  if (first.kind == Kind::kOther || space_leads) {
    std::size_t end = run_end(text, second, Kind::kOther);
    while (end < text.size() && is_line_end(text[end])) ++end;
    return end;
  }
  // \s*[\r\n]+ ends after the run's last line end.
  const std::size_t end = run_end(text, at, Kind::kSpace);
  for (std::size_t i = end; i > at; --i) {
    if (is_line_end(text[i - 1])) return i;
  }
  return space_run(text, at);
}

template <int kMost>
std::size_t numbers(std::string_view text, std::size_t at) {
  for (int count = 0; count < kMost && at < text.size(); ++count) {
    const Seen seen = look(text, at);
    if (seen.kind != Kind::kNumber) break;
    at += seen.length;
  }
  return at;
}

std::size_t symbol_run(std::string_view text, std::size_t at, std::string_view extra) {
  while (at < text.size()) {
    const Utf8Char c = decode_utf8(text, at);
    const bool listed = c.length == 1 && extra.find(text[at]) != std::string_view::npos;
    if (!listed && !char_class(c.code).is_punctuation()) break;
    at += c.length;
  }
  return at;
}

}  // namespace

std::size_t gpt2_word(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '\'') {
    if (const std::size_t length = contraction<false>(text, at)) return at + length;
  }
  const Seen first = look(text, at);
  if (first.kind != Kind::kSpace) return run_end(text, at + first.length, first.kind);
  if (c == ' ' && at + 1 < text.size()) {
    const Seen second = look(text, at + 1);
    if (second.kind != Kind::kSpace) return run_end(text, at + 1 + second.length, second.kind);
  }
  return space_run(text, at);
}

std::size_t llama3_word(std::string_view text, std::size_t at) {
  return llama3_family<3, true>(text, at);
}
std::size_t qwen2_word(std::string_view text, std::size_t at) {
  return llama3_family<1, true>(text, at);
}
std::size_t llama3_word_ascii_case(std::string_view text, std::size_t at) {
  return llama3_family<3, false>(text, at);
}
std::size_t qwen2_word_ascii_case(std::string_view text, std::size_t at) {
  return llama3_family<1, false>(text, at);
}

std::size_t one_number(std::string_view text, std::size_t at) { return numbers<1>(text, at); }
std::size_t up_to_three_numbers(std::string_view text, std::size_t at) {
  return numbers<3>(text, at);
}
std::size_t number_run(std::string_view text, std::size_t at) {
  return run_end(text, at, Kind::kNumber);
}
std::size_t three_digits(std::string_view text, std::size_t at) {
  if (text.size() - at < 3) return at;
  for (std::size_t i = at; i < at + 3; ++i) {
    if (text[i] < '0' || text[i] > '9') return at;
  }
  return at + 3;
}
std::size_t punctuation_run(std::string_view text, std::size_t at) {
  return symbol_run(text, at, "$+<=>^~|");
}
std::size_t punctuation_run_backtick(std::string_view text, std::size_t at) {
  return symbol_run(text, at, "$+<=>^~|`");
}

namespace {

struct Entry {
  std::string_view regex;
  KnownPattern pattern;
};
// The forms in which the same expression is found: llama 3's with possessive quantifiers is
// OpenAI's cl100k_base, which matches the same because neither can gain by giving back.
constexpr Entry kEntries[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
     {gpt2_word, true}},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
     {gpt2_word, true}},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     {llama3_word, true}},
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
     {llama3_word, true}},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     {qwen2_word, true}},
    {R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     {llama3_word_ascii_case, true}},
    {R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     {qwen2_word_ascii_case, true}},
    {R"(\p{N})", {one_number, false}},
    {R"(\p{N}+)", {number_run, false}},
    {R"(\p{N}{1,3})", {up_to_three_numbers, false}},
    {R"([0-9][0-9][0-9])", {three_digits, false}},
};

}  // namespace

KnownPattern find_known_pattern(std::string_view regex) {
  for (const Entry& entry : kEntries) {
    if (entry.regex == regex) return entry.pattern;
  }
  return {};
}

std::vector<std::string_view> known_expressions() {
  std::vector<std::string_view> out;
  for (const Entry& entry : kEntries) out.push_back(entry.regex);
  return out;
}

}  // namespace hearth
