// WordPiece as BERT encodes by it: the longest token that a word starts with, then the longest that
// the rest goes on with; a word that cannot be cut so is unknown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "text/token_model.h"
#include "text/trie.h"

namespace hearth {

struct WordPieceParts {
  std::unordered_map<std::string_view, TokenId> ids;  ///< need not outlive WordPieceModel
  std::string_view continuing_prefix = "##";          ///< of tokens that start no word
  std::size_t max_characters = 100;                   ///< longer words are unknown
  TokenId unknown = 0;
};

class WordPieceModel final : public TokenModel {
 public:
  explicit WordPieceModel(const WordPieceParts& parts);

  /// O(n) in the word's bytes, times the longest token.
  void encode_word(std::string_view word, TokenSink& out) const override;

 private:
  Trie starts_;
  Trie continues_;
  std::size_t max_characters_;
  TokenId unknown_;
};

/// A word is a token, or unknown.
class WordLevelModel final : public TokenModel {
 public:
  /// With no unknown token, texts with unknown words fail.
  WordLevelModel(const std::unordered_map<std::string_view, TokenId>& ids,
                 std::optional<TokenId> unknown);
  void encode_word(std::string_view word, TokenSink& out) const override;

 private:
  std::unordered_map<std::string, TokenId> ids_;
  std::optional<TokenId> unknown_;
};

}  // namespace hearth
