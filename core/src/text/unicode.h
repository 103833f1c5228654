// Properties of code points, from a table generated at build time
// (scripts/make_unicode_tables.py). Its version is the installed database's; a character that is
// unassigned in it belongs to no class.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth {

/// General_Category, in the order in which the generator numbers it.
enum class GeneralCategory : std::uint8_t {
  kCn,
  kLu,
  kLl,
  kLt,
  kLm,
  kLo,
  kMn,
  kMc,
  kMe,
  kNd,
  kNl,
  kNo,
  kPc,
  kPd,
  kPs,
  kPe,
  kPi,
  kPf,
  kPo,
  kSm,
  kSc,
  kSk,
  kSo,
  kZs,
  kZl,
  kZp,
  kCc,
  kCf,
  kCs,
  kCo,
};

/// One code point's properties.
class CharClass {
 public:
  constexpr explicit CharClass(std::uint8_t bits) : bits_(bits) {}
  GeneralCategory category() const { return static_cast<GeneralCategory>(bits_ & 0x1F); }
  bool is_letter() const { return in(GeneralCategory::kLu, GeneralCategory::kLo); }       // \p{L}
  bool is_mark() const { return in(GeneralCategory::kMn, GeneralCategory::kMe); }         // \p{M}
  bool is_number() const { return in(GeneralCategory::kNd, GeneralCategory::kNo); }       // \p{N}
  bool is_punctuation() const { return in(GeneralCategory::kPc, GeneralCategory::kPo); }  // \p{P}
  bool is_word() const { return (bits_ & 0x20) != 0; }                                    // \w
  bool is_space() const { return (bits_ & 0x40) != 0; }  // \s, White_Space

 private:
  bool in(GeneralCategory first, GeneralCategory last) const {
    return category() >= first && category() <= last;
  }
  std::uint8_t bits_;  // category in bits 0-4, word in 5, space in 6
};

/// Any 32-bit value may be asked for; past U+10FFFF nothing is assigned.
CharClass char_class(char32_t code);

/// Such as "15.0.0".
std::string_view unicode_version();

}  // namespace hearth
