// Tokens that are found in a text before it is cut into words: control tokens ("<|im_end|>") and
// those that users added.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace hearth {

struct AddedToken {
  std::string content;
  TokenId id = 0;
  bool special = false;      ///< found only when special tokens are parsed
  bool normalized = false;   ///< looked for after the others, in what they leave, normalized
  bool lstrip = false;       ///< takes the spaces before it along
  bool rstrip = false;       ///< and those after it
  bool single_word = false;  ///< not found inside a word
};

class AddedTokens {
 public:
  /// Which of two overlapping tokens wins. tokenizer.json: the one that starts first, the longer of
  /// two that start together. GGUF, as llama.cpp does: the longer, wherever it starts.
  enum class Order : std::uint8_t { kLeftmost, kLongest };

  /// A stretch of text: a token, or text for the pre-tokenizer.
  struct Piece {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_token = false;
    TokenId id = 0;
  };

  AddedTokens() = default;
  /// Tokens of empty content or such as is no UTF-8 are never found; of two with the same content
  /// the first counts. The content of those looked for in normalized text must be so.
  AddedTokens(std::vector<AddedToken> tokens, Order order);

  /// The pieces in order; together they are the text, but that stripped spaces belong to tokens.
  std::vector<Piece> split(std::string_view text, bool parse_special) const;

  /// The same of a normalized piece of text, by those tokens that are looked for there.
  std::vector<Piece> split_normalized(std::string_view text, bool parse_special) const;
  bool contains(TokenId id) const { return std::ranges::binary_search(ids_, id); }
  bool has_normalized() const { return !normalized_.tokens.empty(); }

 private:
  // Tokens sorted by content, so that those that match at a place are found by narrowing a range.
  struct Matcher {
    std::vector<AddedToken> tokens;
    std::array<bool, 256> starts{};  // by the first byte
    void build();
    template <typename Found>
    void matches_at(std::string_view text, std::size_t at, Found&& found) const;
  };

  static std::vector<Piece> split_leftmost(const Matcher& matcher, std::string_view text,
                                           bool parse_special);
  std::vector<Piece> split_longest(std::string_view text, bool parse_special) const;

  Order order_ = Order::kLeftmost;
  std::vector<TokenId> ids_;  // sorted
  Matcher plain_;
  Matcher normalized_;
};

}  // namespace hearth
