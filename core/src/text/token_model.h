// A model in the tokenizer's sense: what turns one word into tokens. BPE (bpe.h), Unigram
// (unigram.h), WordPiece (wordpiece.h) and WordLevel (word_level.h) are the models.
#pragma once

#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace hearth {

/// Takes a word's tokens in order.
class TokenSink {
 public:
  TokenSink(std::vector<TokenId>& ids, std::vector<Span>* spans) : ids_(ids), spans_(spans) {}

  /// A token for the bytes [begin, end) of the word.
  void add(TokenId id, std::size_t begin, std::size_t end) {
    ids_.push_back(id);
    if (spans_ != nullptr) {
      spans_->push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    }
  }
  std::size_t size() const { return ids_.size(); }
  /// Takes back all tokens from the one at `size` on.
  void truncate(std::size_t size) {
    ids_.resize(size);
    if (spans_ != nullptr) spans_->resize(size);
  }
  /// Whether spans are kept, so that who adds without them need not know them.
  bool tracked() const { return spans_ != nullptr; }
  std::vector<TokenId>& ids() { return ids_; }
  /// The span of the token at `index`, when tracked.
  Span& span(std::size_t index) { return (*spans_)[index]; }

  /// The word has something that no token stands for, not even an unknown one.
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

 private:
  std::vector<TokenId>& ids_;
  std::vector<Span>* spans_;
  bool failed_ = false;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the word's tokens. The word is UTF-8.
  virtual void encode_word(std::string_view word, TokenSink& out) const = 0;
};

}  // namespace hearth
