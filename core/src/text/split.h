// The Split pre-tokenizer: what becomes of a pattern's matches and of what lies between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "text/pretokenizer.h"
#include "text/regex.h"

namespace hearth {

/// What a match becomes, as tokenizer.json names it.
enum class SplitBehavior : std::uint8_t {
  kIsolated,            ///< a word of its own
  kRemoved,             ///< nothing
  kMergedWithPrevious,  ///< the end of the word before it
  kMergedWithNext,      ///< the start of the word behind it
  kContiguous,          ///< one word with the matches next to it
};

/// Nothing when the name is unknown.
std::optional<SplitBehavior> split_behavior(std::string_view name);

/// Turns stretches of a text, each a match or not, into words. They are given in order and without
/// gaps; a match may be empty, and then still ends what lies before it. `Emit` is called with the
/// bounds of each word, none of them empty. After `tokenizers`' NormalizedString::split.
template <typename Emit>
class SplitWords {
 public:
  SplitWords(SplitBehavior behavior, bool invert, Emit emit)
      : behavior_(behavior), invert_(invert), emit_(std::move(emit)) {}

  void stretch(std::size_t begin, std::size_t end, bool is_match) {
    is_match ^= invert_;
    bool joins = false;
    switch (behavior_) {
      case SplitBehavior::kIsolated:
        break;
      case SplitBehavior::kRemoved:
        if (is_match) return;
        break;
      // Of several matches in a row only the one that touches what is no match joins it.
      case SplitBehavior::kMergedWithPrevious:
        joins = is_match && !was_match_;
        break;
      case SplitBehavior::kMergedWithNext:
        joins = !is_match && was_match_;
        break;
      case SplitBehavior::kContiguous:
        joins = is_match == was_match_;
        break;
    }
    was_match_ = is_match;
    if (joins && pending_) {
      end_ = end;
      return;
    }
    finish();
    begin_ = begin;
    end_ = end;
    pending_ = true;
  }

  void finish() {
    if (pending_ && begin_ < end_) emit_(begin_, end_);
    pending_ = false;
  }

 private:
  SplitBehavior behavior_;
  bool invert_;
  Emit emit_;
  bool was_match_ = false;
  bool pending_ = false;
  std::size_t begin_ = 0;  // of the word that may still grow
  std::size_t end_ = 0;
};

/// Splits by a regular expression that has no scanner of its own (word_patterns.h).
class RegexSplit final : public PreTokenizer {
 public:
  RegexSplit(Regex regex, SplitBehavior behavior, bool invert)
      : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}
  void split(const Slice& slice, WordSink& out) const override;

 private:
  Regex regex_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace hearth
