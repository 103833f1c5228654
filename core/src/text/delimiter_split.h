// Pre-tokenizers that cut a text at delimiters: characters of a kind, or a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/pretokenizer.h"
#include "text/split.h"

namespace hearth {

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
