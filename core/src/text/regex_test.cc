// Expressions against what the tokenizers library makes of them (regex_vectors.inc), what is
// refused, and that time is bounded by the text.
#include "text/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/cat.h"
#include "text/char_set.h"
#include "text/regex_program.h"

namespace hearth {
namespace {

using std::string_view_literals::operator""sv;

struct Vector {
  std::string_view pattern;
  std::string_view text;
  std::string_view pieces;
};

constexpr Vector kVectors[] = {
#include "text/regex_vectors.inc"
};

Regex compiled(std::string_view pattern) {
  auto regex = Regex::compile(pattern);
  EXPECT_TRUE(regex.has_value()) << pattern << ": " << (regex ? "" : regex.error().message);
  return regex ? *regex : *Regex::compile("");
}

// As the vectors write them: where each piece ends, and whether it is a match.
std::string pieces(const Regex& regex, std::string_view text) {
  std::string out;
  auto piece = [&](std::size_t begin, std::size_t end, char kind) {
    if (begin == end) return;
    out += cat(out.empty() ? "" : " ", end, std::string(1, kind));
  };
  RegexSearch search(regex, text);
  std::size_t at = 0;
  while (const auto match = search.next()) {
    piece(at, match->begin, '-');
    piece(match->begin, match->end, '+');
    at = match->end;
  }
  piece(at, text.size(), '-');
  return out;
}

std::string refusal(std::string_view pattern) {
  auto regex = Regex::compile(pattern);
  return regex ? "" : cat(error_code_name(regex.error().code), ": ", regex.error().message);
}

TEST(Regex, CutsAsTheLibraryDoes) {
  int refused = 0;
  for (const Vector& vector : kVectors) {
    auto regex = Regex::compile(vector.pattern);
    if (!regex) {
      // The one construct that the random expressions have and this engine does not.
      EXPECT_EQ(regex.error().name, "a repetition of what may match nothing") << vector.pattern;
      ++refused;
      continue;
    }
    EXPECT_EQ(pieces(*regex, vector.text), vector.pieces)
        << vector.pattern << " on " << vector.text;
  }
  EXPECT_GT(std::size(kVectors), 400u);
  EXPECT_LT(refused, 100);
}

TEST(Regex, FindsFromAByteOn) {
  const Regex regex = compiled(R"((?<=\s)a|b$)");
  EXPECT_EQ(regex.find("a a ab", 0), (Regex::Match{2, 3}));
  // What lies before `from` is seen by lookbehind.
  EXPECT_EQ(regex.find("a a ab", 2), (Regex::Match{2, 3}));
  EXPECT_EQ(regex.find("a a ab", 3), (Regex::Match{4, 5}));
  EXPECT_EQ(regex.find("a a ab", 5), (Regex::Match{5, 6}));
  EXPECT_EQ(regex.find("a a ab", 6), std::nullopt);
}

TEST(Regex, RefusesByName) {
  EXPECT_EQ(refusal(R"((a)\1)"),
            "unsupported_tokenizer: In a regular expression, a backreference is not supported.");
  for (std::string_view construct : {R"(\G)", R"(\K)", R"(\X)", R"(\p{Foo})", R"(\p{Emoji})"}) {
    EXPECT_TRUE(refusal(construct).contains(construct)) << refusal(construct);
  }
  EXPECT_TRUE(refusal("(?~a)").contains("the group (?~")) << refusal("(?~a)");
  EXPECT_TRUE(refusal("(?P<n>a)").contains("the group (?P")) << refusal("(?P<n>a)");
  EXPECT_TRUE(refusal("(?<=a+)b").contains("lookbehind of other than characters in a row"));
  EXPECT_TRUE(refusal("(?:a*)*").contains("a repetition of what may match nothing"));
  // Oniguruma has both match what U+00DF folds to, too.
  EXPECT_TRUE(refusal("(?i)ss").contains("letters that fold to one"));
  EXPECT_TRUE(refusal("(?i)[\u00DF]").contains("a letter that folds to several"));
  for (std::string_view wrong : {"(", ")", "a)", "[a", "[z-a]", "[]", "*", "a|*", "^*", "(?=a)*",
                                 R"(\)", R"(\p{L)", R"(\x{110000})", R"(\u12)", "[a-\\d]"}) {
    EXPECT_TRUE(refusal(wrong).starts_with("malformed_tokenizer")) << wrong << refusal(wrong);
  }
  EXPECT_TRUE(refusal("\xFF").starts_with("malformed_tokenizer"));
}

TEST(Regex, RefusesSizesOutOfAllUse) {
  const auto nested = [](int depth) {
    return std::string(depth, '(') + "a" + std::string(depth, ')');
  };
  EXPECT_EQ(refusal(nested(regex::kMaxDepth)), "");
  EXPECT_TRUE(refusal(nested(regex::kMaxDepth + 1)).contains("nesting deeper"));
  EXPECT_TRUE(refusal(std::string(1000, '[')).contains("nesting deeper"));
  EXPECT_TRUE(refusal("a" + std::string(1000, '?')).contains("nesting deeper"));
  EXPECT_TRUE(refusal("a{1001}").contains("a count above 1000"));
  EXPECT_TRUE(refusal("(?:ab?){1000}{1000}").contains("a size over"));
  EXPECT_TRUE(refusal("(?:(?:(?:){1000}){1000}){1000}").contains("so large a repetition"));
  EXPECT_TRUE(refusal(std::string(regex::kMaxPatternBytes + 1, 'a')).contains("a length over"));
}

// Each takes time that grows exponentially, or with the square of the text, by plain backtracking:
// on these texts minutes to years. Here a text of 50 KB takes well under a second.
TEST(Regex, TimeFollowsTheText) {
  constexpr std::size_t kSize = 50'000;
  const std::string letters(kSize, 'a');
  const std::string digits(kSize, '7');
  const std::string spaces(kSize, ' ');
  auto count = [](const Regex& regex, std::string_view text) {
    RegexSearch search(regex, text);
    std::size_t found = 0;
    while (search.next()) ++found;
    return found;
  };
  EXPECT_EQ(count(compiled("(?:a|a|aa)+b"), letters), 0u);
  EXPECT_EQ(count(compiled("(?:a|aa)+$b|c"), letters), 0u);
  EXPECT_EQ(count(compiled("a+b"), letters), 0u);
  EXPECT_EQ(count(compiled("(?:aa)+b"), letters), 0u);
  EXPECT_EQ(count(compiled(".*.*=.*"), letters), 0u);
  EXPECT_EQ(count(compiled("(?>a+)b"), letters), 0u);
  EXPECT_EQ(count(compiled("(?:(?=a*b)a)*c|d"), letters + "b"), 0u);
  EXPECT_EQ(count(compiled(R"(\s*[\r\n]|\s)"), spaces), kSize);
  EXPECT_EQ(count(compiled(R"(\d{1,3}(?=(?:\d{3})*\b))"), digits), (kSize + 2) / 3);
  EXPECT_EQ(count(compiled(R"(a(?!a*b))"), letters), kSize);
  EXPECT_EQ(count(compiled(R"(a(?=a*b))"), letters + "b"), kSize);
}

TEST(CharSet, Algebra) {
  const CharSet letters = *named_set("L");
  const CharSet latin = *named_set("latin");
  const CharSet none = letters & ~letters;
  const CharSet all = letters | ~letters;
  for (char32_t code = 0; code < 0x30000; code += 5) {
    const CharClass properties = char_class(code);
    ASSERT_EQ(letters.contains(code), properties.is_letter()) << static_cast<unsigned>(code);
    ASSERT_EQ(space_set().contains(code), properties.is_space()) << static_cast<unsigned>(code);
    ASSERT_EQ((letters & latin).contains(code), letters.contains(code) && latin.contains(code));
    ASSERT_EQ((~latin).contains(code), !latin.contains(code));
    ASSERT_FALSE(none.contains(code));
    ASSERT_TRUE(all.contains(code));
  }
  EXPECT_TRUE(latin.contains(U'\u00E9') && latin.contains(U'\u212A') && !latin.contains(U'1'));
  EXPECT_TRUE(named_set("Han")->contains(U'\u3007'));
  EXPECT_TRUE(named_set("Uppercase Letter")->contains(U'A'));
  EXPECT_FALSE(named_set("Klingon"));
  EXPECT_FALSE(CharSet::range('a', 'f').may_meet(CharSet::range('g', 'z')));
  EXPECT_TRUE(CharSet::range('a', 'g').may_meet(CharSet::range('g', 'z')));
}

}  // namespace
}  // namespace hearth
