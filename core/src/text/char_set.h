// Sets of code points, for the classes of regular expressions: unions, intersections and
// complements of ranges, general categories and properties, exact and small.
//
// A set is a list of segments, each with the general categories that belong to it there. So \p{L}
// is one segment and [a-z] three, and no set is ever written out code point by code point.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "text/unicode.h"
#include "text/utf8.h"

namespace hearth {

class CharSet {
 public:
  /// The empty set.
  CharSet() : CharSet(0) {}
  /// All code points of these categories, a bit each.
  explicit CharSet(std::uint32_t categories);
  static CharSet all() { return CharSet(kEveryCategory); }
  /// From `first` to `last`, both included.
  static CharSet range(char32_t first, char32_t last);
  static CharSet one(char32_t code) { return range(code, code); }
  /// Several ranges, [first, last, first, last, …], in order and apart.
  static CharSet ranges(std::span<const char32_t> bounds);

  CharSet operator|(const CharSet& other) const;
  CharSet operator&(const CharSet& other) const;
  CharSet operator~() const;

  bool contains(char32_t code) const {
    if (code < 128) return (ascii_[code / 64] >> (code % 64) & 1) != 0;
    return contains_slow(code);
  }
  /// Whether it has any ASCII character that `other` has, or may share others with it. Never false
  /// for sets that meet.
  bool may_meet(const CharSet& other) const;
  bool has_beyond_ascii() const;

  /// The set with every code point that folds to what one of its own folds to (simple folding).
  CharSet with_case_variants() const;
  /// Whether full case folding turns one of its code points into several.
  bool has_expanding() const;

 private:
  static constexpr std::uint32_t kEveryCategory =
      (std::uint32_t{2} << static_cast<unsigned>(GeneralCategory::kCo)) - 1;
  struct Segment {
    char32_t first;            // up to where the next one starts, the last one to the end
    std::uint32_t categories;  // that belong to the set here
  };
  template <typename Combine>
  static CharSet combine(const CharSet& left, const CharSet& right, Combine combine);
  bool contains_slow(char32_t code) const;
  void finish();

  std::vector<Segment> segments_;         // the first starts at 0
  std::array<std::uint64_t, 2> ascii_{};  // (code point), a bit each
};

/// The set of a property as \p{…} names it, whatever its case, spaces, hyphens and underscores: a
/// general category, a script, or one of Oniguruma's own (Alnum, Punct, …). Nothing when unknown.
std::optional<CharSet> named_set(std::string_view name);

/// The set of a POSIX bracket such as "alpha", with Oniguruma's meaning for Unicode.
std::optional<CharSet> posix_set(std::string_view name);

/// \s, \d, \w and \h (hexadecimal digits) inside of brackets, as Oniguruma has them.
CharSet space_set();
CharSet digit_set();
CharSet word_set();
CharSet hex_digit_set();

/// \w outside of brackets, and what \b tells apart: also has the superscripts and fractions of
/// Latin-1, for which Oniguruma has a table of its own.
CharSet loose_word_set();

/// The code point's simple case folding.
char32_t fold_case(char32_t code);
/// Whether the folded `first`, `second` begin what one code point folds to ("ss" of U+00DF).
bool begins_expanded_fold(char32_t first, char32_t second);

}  // namespace hearth
