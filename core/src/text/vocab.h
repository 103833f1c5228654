// The vocabulary: what each token id stands for, and which ids are control tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace hearth {

class Vocab {
 public:
  /// Adds the next id. Tokens' bytes are kept back to back and must stay under 4 GB together, which
  /// is for the reader to check (kMaxVocabBytes).
  void add(std::string_view bytes, bool special) {
    bytes_ += bytes;
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    special_.push_back(special);
  }
  void reserve(std::size_t tokens, std::size_t bytes) {
    ends_.reserve(tokens);
    special_.reserve(tokens);
    bytes_.reserve(bytes);
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }

  /// Empty for ids past the vocabulary. Valid until the next add().
  std::string_view bytes(TokenId id) const {
    if (id >= size()) return {};
    const std::uint32_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
  }

  bool special(TokenId id) const { return id < size() && special_[id] != 0; }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;    // (token): where its bytes end in bytes_
  std::vector<std::uint8_t> special_;  // (token)
};

/// No tokenizer comes near: the largest published are of some 5 MB and 300,000 tokens.
inline constexpr std::size_t kMaxVocabBytes = std::size_t{1} << 28;
inline constexpr std::size_t kMaxVocabSize = std::size_t{1} << 24;

}  // namespace hearth
