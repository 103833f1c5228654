// SentencePiece's precompiled character map ("precompiled_charsmap"): rules that replace short
// texts by others, in a double-array trie (Aoe, 1989; laid out as in the library Darts-clone).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/normalizer.h"

namespace hearth {

class Charsmap {
 public:
  /// The bytes of the map: the trie's size in bytes, the trie, then the replacements, each ended by
  /// a zero byte. Errors: malformed_tokenizer.
  static Result<Charsmap> make(std::string_view bytes);

  struct Match {
    std::size_t length;        ///< bytes of the text that are replaced
    std::string_view content;  ///< by these
  };
  /// The rule for a start of `text`: the shortest or the longest there is.
  std::optional<Match> shortest(std::string_view text) const { return find(text, false); }
  std::optional<Match> longest(std::string_view text) const { return find(text, true); }

 private:
  std::optional<Match> find(std::string_view text, bool longest) const;

  std::vector<std::uint32_t> units_;
  std::string contents_;
};

/// Errors: malformed_tokenizer.
Result<std::string> decode_base64(std::string_view text);

/// The map as tokenizers applies it: to grapheme clusters of less than 6 bytes as wholes, to others
/// by character; a whole is replaced if a rule is for a start of it.
class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(Charsmap map) : map_(std::move(map)) {}
  bool apply(const Slice& in, AlignedText& out) const override;

 private:
  Charsmap map_;
};

}  // namespace hearth
