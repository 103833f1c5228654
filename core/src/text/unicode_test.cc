#include "text/unicode.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(Unicode, ClassesOfKnownCharacters) {
  for (char32_t letter : {U'a', U'Z', U'\u00E9', U'\u0416', U'\u4E2D', U'\uAC00', U'\u02B0',
                          U'\U00020000', U'\u3400', U'\u9FFF'}) {
    EXPECT_TRUE(char_class(letter).is_letter()) << static_cast<unsigned>(letter);
    EXPECT_TRUE(char_class(letter).is_word());
    EXPECT_FALSE(char_class(letter).is_number());
  }
  for (char32_t number : {U'0', U'9', U'\u00B2', U'\u0663', U'\u2167', U'\u00BD', U'\u3007'}) {
    EXPECT_TRUE(char_class(number).is_number()) << static_cast<unsigned>(number);
    EXPECT_FALSE(char_class(number).is_letter());
  }
  for (char32_t space : {U' ', U'\t', U'\n', U'\v', U'\f', U'\r', U'\u0085', U'\u00A0', U'\u1680',
                         U'\u2028', U'\u2029', U'\u202F', U'\u205F', U'\u3000'}) {
    EXPECT_TRUE(char_class(space).is_space()) << static_cast<unsigned>(space);
  }
  // Zero-width space and the Mongolian vowel separator have been no white space since Unicode 4
  // and 6.
  for (char32_t none : {U'\u200B', U'\u180E', U'\uFEFF', U'a', U'\u0000'}) {
    EXPECT_FALSE(char_class(none).is_space()) << static_cast<unsigned>(none);
  }
  EXPECT_TRUE(char_class(U'\u0301').is_mark());
  EXPECT_TRUE(char_class(U'\u0301').is_word());
  EXPECT_TRUE(char_class(U'_').is_word());
  EXPECT_TRUE(char_class(U'\u200D').is_word());
  EXPECT_TRUE(char_class(U'!').is_punctuation());
  EXPECT_FALSE(char_class(U'+').is_punctuation());
  EXPECT_EQ(char_class(U'+').category(), GeneralCategory::kSm);
  EXPECT_EQ(char_class(0xD800).category(), GeneralCategory::kCs);
  EXPECT_EQ(char_class(0x10FFFD).category(), GeneralCategory::kCo);
}

TEST(Unicode, NothingIsAssignedPastTheEnd) {
  for (char32_t code : {0x10FFFFu, 0x110000u, 0xFFFFFFFFu}) {
    EXPECT_EQ(char_class(code).category(), GeneralCategory::kCn);
    EXPECT_FALSE(char_class(code).is_space());
  }
}

TEST(Unicode, CountsOfTheVersionHold) {
  // What UnicodeData.txt 15.0 lists; classes only grow, and white space is stable.
  int letters = 0;
  int spaces = 0;
  for (char32_t code = 0; code < 0x110000; ++code) {
    letters += char_class(code).is_letter();
    spaces += char_class(code).is_space();
  }
  EXPECT_GE(letters, 136104);
  EXPECT_EQ(spaces, 25);
  EXPECT_GE(unicode_version(), "15.0.0");
}

}  // namespace
}  // namespace hearth
