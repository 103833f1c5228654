// Scanners for the regular expressions that byte-level tokenizers split by. Each is written by
// hand, because these few serve most models; each takes the leftmost alternative that matches, as
// the expression does. Lookahead sees no further than the text given.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "text/pretokenizer.h"

namespace hearth {

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t gpt2_word(std::string_view text, std::size_t at);

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
/// \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t llama3_word(std::string_view text, std::size_t at);

/// The same with \p{N} for \p{N}{1,3}.
std::size_t qwen2_word(std::string_view text, std::size_t at);

/// llama3_word and qwen2_word with contractions ignoring the case of ASCII only, as llama.cpp
/// writes them; under (?i), U+017F (long s) is an s too.
std::size_t llama3_word_ascii_case(std::string_view text, std::size_t at);
std::size_t qwen2_word_ascii_case(std::string_view text, std::size_t at);

/// \p{N}
std::size_t one_number(std::string_view text, std::size_t at);
/// \p{N}+
std::size_t number_run(std::string_view text, std::size_t at);
/// \p{N}{1,3}
std::size_t up_to_three_numbers(std::string_view text, std::size_t at);
/// [0-9][0-9][0-9]
std::size_t three_digits(std::string_view text, std::size_t at);
/// [\p{P}$+<=>^~|]+
std::size_t punctuation_run(std::string_view text, std::size_t at);
/// [\p{P}$+<=>^~|`]+
std::size_t punctuation_run_backtick(std::string_view text, std::size_t at);

/// The scanner for a regular expression as tokenizer.json writes it, or nullptr when it is none of
/// those above. `covers` says whether its matches leave nothing between them.
struct KnownPattern {
  WordPattern scan = nullptr;
  bool covers = false;
};
KnownPattern find_known_pattern(std::string_view regex);

/// The expressions that find_known_pattern() knows, for tests that hold scanners against them.
std::vector<std::string_view> known_expressions();

}  // namespace hearth
