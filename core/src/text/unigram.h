// The unigram language model (Kudo, 2018): of all ways to cut a word into tokens, the one with the
// highest sum of log-probabilities, found by dynamic programming (Viterbi).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/token_model.h"
#include "text/trie.h"

namespace hearth {

struct UnigramParts {
  std::vector<std::string_view> tokens;  ///< (token): need not outlive UnigramModel
  std::vector<double> scores;            ///< (token): log-probabilities
  std::optional<TokenId> unknown;
  bool byte_fallback = false;  ///< unknown characters become "<0x0A>" and its like, if all have one
};

class UnigramModel final : public TokenModel {
 public:
  explicit UnigramModel(const UnigramParts& parts);

  /// Unknown characters in a row are one token. O(n) in the word's bytes, times the longest token.
  void encode_word(std::string_view word, TokenSink& out) const override;

 private:
  struct Node {
    double score;
    TokenId id;
    std::uint32_t start;  // of the token that ends here; kUnreached
  };
  struct Cut {
    std::uint32_t begin;
    std::uint32_t end;
    TokenId id;
  };
  void put(std::string_view word, const Cut& cut, TokenSink& out) const;

  Trie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
  std::optional<TokenId> unknown_;
  bool byte_fallback_;
  std::array<TokenId, 256> byte_ids_{};

  mutable std::vector<Node> nodes_;  // (byte), kept between words
  mutable std::vector<Cut> cuts_;    // from the word's end to its start
};

}  // namespace hearth
