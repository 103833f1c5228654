// A model in the tokenizer's sense: what turns one word into tokens. Byte-level BPE (bpe.h) is one;
// unigram and WordPiece are others.
#pragma once

#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace hearth {

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the word's tokens.
  virtual void encode_word(std::string_view word, std::vector<TokenId>& out) const = 0;
};

}  // namespace hearth
