// Splitting at delimiters: see delimiter_split.h.
#include "text/delimiter_split.h"

#include "text/byte_level.h"
#include "text/normalization.h"
#include "text/rewriter.h"
#include "text/simple_normalizers.h"
#include "text/unicode.h"

namespace hearth {

void CharacterSplit::split(const Slice& slice, WordSink& out) const {
  SplitWords words(behavior_, false,
                   [&](std::size_t begin, std::size_t end) { out.word(slice.sub(begin, end)); });
  std::size_t at = 0;
  for_each_character(slice.text, [&](char32_t code, std::size_t begin, std::size_t end) {
    if (!delimiter_(code)) return;
    if (at < begin) words.stretch(at, begin, false);
    words.stretch(begin, end, true);
    at = end;
  });
  if (at < slice.text.size()) words.stretch(at, slice.text.size(), false);
  words.finish();
}

void TextSplit::split(const Slice& slice, WordSink& out) const {
  SplitWords words(behavior_, invert_,
                   [&](std::size_t begin, std::size_t end) { out.word(slice.sub(begin, end)); });
  std::size_t at = 0;
  while (!pattern_.empty()) {
    const std::size_t found = slice.text.find(pattern_, at);
    if (found == std::string_view::npos) break;
    if (at < found) words.stretch(at, found, false);
    at = found + pattern_.size();
    words.stretch(found, at, true);
  }
  if (at < slice.text.size()) words.stretch(at, slice.text.size(), false);
  words.finish();
}

void WhitespaceWords::split(const Slice& slice, WordSink& out) const {
  enum class Kind : std::uint8_t { kSpace, kWord, kOther } last = Kind::kSpace;
  std::size_t start = 0;
  const auto end_word = [&](std::size_t end) {
    if (last != Kind::kSpace && start < end) out.word(slice.sub(start, end));
    start = end;
  };
  for_each_character(slice.text, [&](char32_t code, std::size_t begin, std::size_t) {
    const CharClass properties = char_class(code);
    const Kind kind = properties.is_word()    ? Kind::kWord
                      : properties.is_space() ? Kind::kSpace
                                              : Kind::kOther;
    if (kind != last) end_word(begin);
    last = kind;
  });
  end_word(slice.text.size());
}

void FixedLength::split(const Slice& slice, WordSink& out) const {
  std::size_t start = 0;
  std::size_t count = 0;
  for_each_character(slice.text, [&](char32_t, std::size_t, std::size_t end) {
    if (++count < length_) return;
    out.word(slice.sub(start, end));
    start = end;
    count = 0;
  });
  if (start < slice.text.size()) out.word(slice.sub(start, slice.text.size()));
}

void Metaspace::split(const Slice& slice, WordSink& out) const {
  AlignedText replaced;
  replaced.start(slice);
  const bool changed = ReplaceText(" ", mark_).apply(slice, replaced);
  Slice current = changed ? replaced.slice() : slice;
  AlignedText prefixed;
  const bool wanted = prepend_ == Prepend::kAlways ||
                      (prepend_ == Prepend::kFirst && !slice.text.empty() && slice.at_start());
  if (wanted && !current.text.starts_with(mark_)) {
    prefixed.start(slice);
    if (hearth::Prepend(mark_).apply(current, prefixed)) current = prefixed.slice();
  }
  if (split_) {
    TextSplit(mark_, SplitBehavior::kMergedWithNext, false).split(current, out);
  } else if (!current.text.empty()) {
    out.word(current);
  }
}

void ByteLevelWords::split(const Slice& slice, WordSink& out) const {
  AlignedText written;
  written.start(slice);
  if (ByteLevelText().apply(slice, written)) out.word(written.slice());
}

bool is_space_delimiter(char32_t code) { return char_class(code).is_space(); }

bool is_number_delimiter(char32_t code) { return char_class(code).is_number(); }

bool is_punctuation_delimiter(char32_t code) {
  if (code < 0x80) {
    return (code >= '!' && code <= '/') || (code >= ':' && code <= '@') ||
           (code >= '[' && code <= '`') || (code >= '{' && code <= '~');
  }
  return char_class(code).is_punctuation() && !char_kind(code).after_unicode_8();
}

}  // namespace hearth
