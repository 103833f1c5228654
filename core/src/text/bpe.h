// Byte-level byte-pair encoding (Sennrich et al., 2016, on bytes as in GPT-2): a word starts as its
// bytes; the adjacent pair that was learnt first is merged, leftmost first, until none is left.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "text/token_model.h"

namespace hearth {

inline constexpr TokenId kNoToken = 0xFFFFFFFF;

/// What a BPE model is made of, tokens as their files write them.
struct BpeParts {
  /// Token texts in the byte-level alphabet, to ids. The keys must outlive BpeModel::make only.
  std::unordered_map<std::string_view, TokenId> ids;
  /// In the order learnt.
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  /// A word that is a token is that token, whatever the merges say (Llama 3's ignore_merges).
  bool whole_words = false;
  /// What a byte with no token becomes: nothing, with its neighbours then adjacent (tokenizer.json)
  /// or kept apart (llama.cpp), or a token, one for each such byte or for a run of them.
  enum class Missing : std::uint8_t {
    kJoin,
    kSeparate,
    kUnknown,
    kUnknownRun
  } missing = Missing::kJoin;
  TokenId unknown = kNoToken;
};

class BpeModel final : public TokenModel {
 public:
  /// Errors: malformed_tokenizer for a merge whose halves or result are no tokens.
  static Result<std::unique_ptr<BpeModel>> make(const BpeParts& parts);

  /// O(n log n) in the word's bytes.
  void encode_word(std::string_view word, std::vector<TokenId>& out) const override;

 private:
  struct Merge {
    std::uint64_t pair = kNoPair;  // left id in the high half
    std::uint32_t rank = 0;
    TokenId result = 0;
  };
  // No pair of tokens: both halves would be kNoToken.
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};

  struct Symbol {
    TokenId id;
    std::int32_t previous;  // -1 at the start
    std::int32_t next;      // -1 at the end
  };
  struct Candidate {
    std::uint64_t order;  // rank in the high half, position in the low: the least is merged first
    std::uint64_t pair;
    TokenId result;
  };
  // One cache line of 64 bytes: most words are short, and are seen again.
  struct CacheSlot {
    static constexpr std::size_t kKeyBytes = 30;
    static constexpr std::size_t kIds = 8;
    std::uint8_t key_size = 0;  // 0: empty, as no word is
    std::uint8_t count = 0;
    std::array<char, kKeyBytes> key{};
    std::array<TokenId, kIds> ids{};
  };
  static_assert(sizeof(CacheSlot) == 64);

  BpeModel() = default;
  const Merge* find_merge(TokenId left, TokenId right) const;
  void insert_merge(const Merge& merge);
  void start_symbols(std::string_view word) const;
  void propose(std::int32_t left) const;
  void merge_word(std::string_view word, std::vector<TokenId>& out) const;

  std::array<TokenId, 256> byte_ids_{};
  std::vector<Merge> merges_;  // open addressing, a power of two of slots, at most half full
  BpeParts::Missing missing_ = BpeParts::Missing::kJoin;
  TokenId unknown_ = kNoToken;
  std::unordered_map<std::string, TokenId> words_;  // whole_words only, by bytes

  // Working memory, kept between words; the reason why a tokenizer is not shared between threads.
  mutable std::vector<Symbol> symbols_;
  mutable std::vector<Candidate> heap_;
  mutable std::vector<CacheSlot> cache_;  // direct-mapped by the word's hash
};

}  // namespace hearth
