// Byte-pair encoding (Sennrich et al., 2016): a word starts as its bytes (GPT-2) or its characters
// (SentencePiece, CLIP); the adjacent pair that was learnt first is merged, leftmost first, until
// none is left.
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
  /// What a word starts as: its bytes, which the vocabulary writes in the byte-level alphabet, or
  /// its characters.
  enum class Alphabet : std::uint8_t { kBytes, kCharacters } alphabet = Alphabet::kBytes;

  /// Token texts to ids. The keys must outlive BpeModel::make only.
  std::unordered_map<std::string_view, TokenId> ids;
  /// In the order learnt.
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  /// A word that is a token is that token, whatever the merges say (Llama 3's ignore_merges).
  bool whole_words = false;
  /// What a byte or character with no token becomes: nothing, with its neighbours then adjacent
  /// (tokenizer.json) or kept apart (llama.cpp), or a token, one for each or for a run of them.
  enum class Missing : std::uint8_t {
    kJoin,
    kSeparate,
    kUnknown,
    kUnknownRun
  } missing = Missing::kJoin;
  TokenId unknown = kNoToken;

  // For characters only.

  /// Characters with no token become "<0x0A>" and its like, if all their bytes have one.
  bool byte_fallback = false;
  std::string_view continuing_prefix;  ///< written before a character that starts no word
  std::string_view word_suffix;        ///< written after one that ends a word (CLIP's "</w>")

  /// Scores in place of merges, as SentencePiece has them: (token) the higher, the earlier. Two
  /// neighbours whose texts together are a token may become it, and bytes stand in for what is left
  /// without a token only then. llama.cpp's tokenizer "llama".
  std::vector<float> scores;
};

class BpeModel final : public TokenModel {
 public:
  /// Errors: malformed_tokenizer for a merge whose halves or result are no tokens.
  static Result<std::unique_ptr<BpeModel>> make(const BpeParts& parts);

  /// O(n log n) in the word's bytes.
  void encode_word(std::string_view word, TokenSink& out) const override;

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
    std::uint32_t size;     // bytes of the word
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
  using CacheEnds = std::array<std::uint8_t, CacheSlot::kIds>;

  // The tokens of single characters: by code below kDirect, the others in a map.
  struct CharTable {
    static constexpr char32_t kDirect = 0x3100;  // alphabets and kana, not ideographs
    std::vector<TokenId> direct;
    std::unordered_map<char32_t, TokenId> others;
    void put(char32_t code, TokenId id);
    TokenId find(char32_t code) const {
      if (code < kDirect) return code < direct.size() ? direct[code] : kNoToken;
      auto found = others.find(code);
      return found == others.end() ? kNoToken : found->second;
    }
  };

  BpeModel() = default;
  static std::uint64_t pair_of(TokenId left, TokenId right) {
    return static_cast<std::uint64_t>(left) << 32 | right;
  }
  // Fibonacci hashing: the constant is 2^64 divided by the golden ratio.
  static std::size_t slot_of(std::uint64_t pair) {
    return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15u) >> 32);
  }
  std::size_t neighbour_bit(char32_t left, char32_t right) const {
    return slot_of(pair_of(left, right)) & (neighbours_.size() * 64 - 1);
  }
  void size_merges(std::size_t count);
  Result<void> read_merges(const BpeParts& parts);
  void read_scores(const BpeParts& parts);
  void read_characters(const BpeParts& parts);
  void note_neighbours(std::string_view token);
  bool may_be_neighbours(char32_t left, char32_t right) const;
  const Merge* find_merge(TokenId left, TokenId right) const;
  void insert_merge(const Merge& merge);

  void push_symbol(TokenId id, std::size_t size) const;
  void start_bytes(std::string_view word) const;
  void start_characters(std::string_view word) const;
  void propose(std::int32_t left) const;
  void merge_symbols() const;
  void merge_word(std::string_view word, std::size_t offset, TokenSink& out) const;
  bool put_whole_word(std::string_view word, TokenSink& out) const;
  void put_bytes(std::string_view bytes, std::size_t offset, TokenSink& out) const;
  void encode_part(std::string_view part, std::size_t offset, TokenSink& out) const;

  BpeParts::Alphabet alphabet_ = BpeParts::Alphabet::kBytes;
  BpeParts::Missing missing_ = BpeParts::Missing::kJoin;
  TokenId unknown_ = kNoToken;
  bool byte_fallback_ = false;
  // Symbols without a token of their own, from this id on, end as the tokens of their bytes.
  TokenId first_pseudo_ = kNoToken;
  std::array<TokenId, 256> byte_ids_{};  // of bytes, or of "<0x0A>" and its like
  // (first in the word + 2 * last in the word): all the same without a prefix and a suffix
  std::array<CharTable, 4> characters_;
  bool has_affixes_ = false;
  std::vector<Merge> merges_;  // open addressing, a power of two of slots, at most 2/3 full
  std::unordered_map<std::string, TokenId> words_;  // whole_words only, by bytes

  // A Bloom filter, of one hash, of the pairs of characters that are neighbours in some merge's
  // result. Between two that are not, no merge reaches, and a word can be cut.
  std::vector<std::uint64_t> neighbours_;

  // Working memory, kept between words; the reason why a tokenizer is not shared between threads.
  mutable std::vector<Symbol> symbols_;
  mutable std::vector<Candidate> heap_;
  mutable std::vector<CacheSlot> cache_;       // direct-mapped by the word's hash
  mutable std::vector<CacheEnds> cache_ends_;  // (slot): where tokens end; 0 first: not known
};

}  // namespace hearth
