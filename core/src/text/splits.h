// Pre-tokenizers that cut a text at what they find: characters of a kind, or a text. What becomes of
// the places found is SplitBehavior's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "text/pretokenizer.h"

namespace hearth {

/// What becomes of the delimiters that a split finds.
enum class SplitBehavior : std::uint8_t {
  kRemoved,
  kIsolated,            ///< words of their own
  kMergedWithPrevious,  ///< the first of several ends the word before it
  kMergedWithNext,      ///< the last of several starts the word after it
  kContiguous,          ///< several in a row are one word
};

/// The behavior as tokenizer.json names it.
std::optional<SplitBehavior> find_split_behavior(std::string_view name);

/// Takes stretches of a text from left to right, delimiters and what is between them, and gives the
/// words that they make to a sink.
class Splitter {
 public:
  Splitter(const Slice& slice, SplitBehavior behavior, WordSink& out)
      : slice_(slice), behavior_(behavior), out_(out) {}

  /// The next stretch, up to `end`. One that is empty is none.
  void stretch(std::size_t end, bool delimiter);
  /// The text's end.
  void finish() { word(at_); }

 private:
  void word(std::size_t end);

  const Slice& slice_;
  SplitBehavior behavior_;
  WordSink& out_;
  std::size_t start_ = 0;  // of the word that is not yet given
  std::size_t at_ = 0;
  bool last_delimiter_ = false;
};

/// Splits at each character that is a delimiter.
class CharacterSplit final : public PreTokenizer {
 public:
  using Delimiter = bool (*)(char32_t code);
  CharacterSplit(Delimiter delimiter, SplitBehavior behavior)
      : delimiter_(delimiter), behavior_(behavior) {}
  void split(const Slice& slice, WordSink& out) const override;

 private:
  Delimiter delimiter_;
  SplitBehavior behavior_;
};

/// Splits at each occurrence of a text; inverted, at what is between them.
class TextSplit final : public PreTokenizer {
 public:
  TextSplit(std::string pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void split(const Slice& slice, WordSink& out) const override;

 private:
  std::string pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

/// Words are \w+ or [^\w\s]+ ; spaces are dropped.
class WhitespaceWords final : public PreTokenizer {
 public:
  void split(const Slice& slice, WordSink& out) const override;
};

/// Words are numbers of characters, counted from the start; the last may be shorter.
class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(std::size_t length) : length_(length) {}
  void split(const Slice& slice, WordSink& out) const override;

 private:
  std::size_t length_;  // > 0
};

/// Puts a mark in place of spaces and perhaps before the text, and splits before each mark
/// (SentencePiece's words).
class Metaspace final : public PreTokenizer {
 public:
  enum class Prepend : std::uint8_t { kAlways, kFirst, kNever };
  Metaspace(std::string mark, Prepend prepend, bool split)
      : mark_(std::move(mark)), prepend_(prepend), split_(split) {}
  void split(const Slice& slice, WordSink& out) const override;
  bool needs_origin() const override { return prepend_ == Prepend::kFirst; }

 private:
  std::string mark_;
  Prepend prepend_;
  bool split_;
};

/// Writes bytes in the byte-level alphabet, for steps that come after ByteLevel.
class ByteLevelWords final : public PreTokenizer {
 public:
  void split(const Slice& slice, WordSink& out) const override;
};

// Delimiters.
bool is_space_delimiter(char32_t code);
bool is_number_delimiter(char32_t code);
/// ASCII's symbols, and \p{P} as of Unicode 8, as in BERT.
bool is_punctuation_delimiter(char32_t code);

}  // namespace hearth
