// Unicode's normalization forms (UAX #15), lower case, and what segmentation into grapheme clusters
// needs to know of a character. Tables are generated at build time
// (scripts/make_normalization_tables.py).
#pragma once

#include <cstdint>
#include <string_view>

#include "text/normalizer.h"

namespace hearth {

/// Grapheme_Cluster_Break (UAX #29), in the order in which the generator numbers it.
enum class GraphemeBreak : std::uint8_t {
  kOther,
  kCr,
  kLf,
  kControl,
  kExtend,
  kZwj,
  kRegionalIndicator,
  kPrepend,
  kSpacingMark,
  kL,
  kV,
  kT,
  kLv,
  kLvt,
};

/// What normalization and segmentation tell characters apart by.
struct CharKind {
  std::uint8_t combining_class;
  std::uint8_t flags;
  GraphemeBreak grapheme_break;

  /// Whether the character came after Unicode 8.0, of which the library that this must agree with
  /// has its punctuation and marks for BERT.
  bool after_unicode_8() const { return (flags & 0x10) != 0; }
  bool is_pictographic() const { return (flags & 0x20) != 0; }
};
CharKind char_kind(char32_t code);

/// The simple lower case of the character, which is the full one but for U+0130.
char32_t lower_case(char32_t code);

enum class NormalForm : std::uint8_t { kNfd, kNfc, kNfkd, kNfkc };

/// O(n) but for sorting the marks of a character, which is O(m log m).
class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(NormalForm form) : form_(form) {}
  bool apply(const Slice& in, AlignedText& out) const override;

 private:
  NormalForm form_;
};

}  // namespace hearth
