// Each scanner on texts whose split follows from its expression, read by hand.
#include "text/word_patterns.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth {
namespace {

using Words = std::vector<std::string>;

struct Collector final : WordSink {
  void word(const Slice& slice) override { words.emplace_back(slice.text); }
  Words words;
};

Words split(WordPattern pattern, std::string_view text) {
  Collector out;
  PatternSplit(pattern).split({.text = text}, out);
  return out.words;
}

Words split_chain(std::initializer_list<WordPattern> patterns, std::string_view text) {
  PreTokenizerChain chain;
  for (WordPattern pattern : patterns) chain.add(std::make_unique<PatternSplit>(pattern));
  Collector out;
  chain.split({.text = text}, out);
  return out.words;
}

TEST(WordPatterns, Gpt2) {
  EXPECT_EQ(split(gpt2_word, "Hello world!! 123x"), (Words{"Hello", " world", "!!", " 123", "x"}));
  EXPECT_EQ(split(gpt2_word, "I'm don't 'LL we'll'd"),
            (Words{"I", "'m", " don", "'t", " '", "LL", " we", "'ll", "'d"}));
  EXPECT_EQ(split(gpt2_word, "a   b\n\n"), (Words{"a", "  ", " b", "\n\n"}));
  EXPECT_EQ(split(gpt2_word, "a\n b"), (Words{"a", "\n", " b"}));
  EXPECT_EQ(split(gpt2_word, "a\t\tb"), (Words{"a", "\t", "\t", "b"}));
  EXPECT_EQ(split(gpt2_word, "\u3000\u4E2D\u6587\u3002x"),
            (Words{"\u3000", "\u4E2D\u6587", "\u3002", "x"}));
  EXPECT_EQ(split(gpt2_word, "!'s"), (Words{"!'", "s"}));
  EXPECT_EQ(split(gpt2_word, " "), (Words{" "}));
  EXPECT_EQ(split(gpt2_word, "e\u0301"), (Words{"e", "\u0301"}));
}

TEST(WordPatterns, Llama3AndQwen2) {
  EXPECT_EQ(split(llama3_word, "Hello world!! 12345"),
            (Words{"Hello", " world", "!!", " ", "123", "45"}));
  EXPECT_EQ(split(qwen2_word, "a 12"), (Words{"a", " ", "1", "2"}));
  EXPECT_EQ(split(llama3_word, "I'M we'Ll\t(x) (x"),
            (Words{"I", "'M", " we", "'Ll", "\t", "(x", ")", " (", "x"}));
  EXPECT_EQ(split(llama3_word, "a  \r\n \n  b"), (Words{"a", "  \r\n \n", " ", " b"}));
  EXPECT_EQ(split(llama3_word, "{;\n\nx"), (Words{"{;\n\n", "x"}));
  EXPECT_EQ(split(llama3_word, "\nx  "), (Words{"\n", "x", "  "}));
  // (?i) folds U+017F, long s, into s; llama.cpp's spelling of the expression does not.
  EXPECT_EQ(split(llama3_word, "a'\u017Fx"), (Words{"a", "'\u017F", "x"}));
  EXPECT_EQ(split(llama3_word_ascii_case, "a'\u017Fx"), (Words{"a", "'\u017Fx"}));
  EXPECT_EQ(split(qwen2_word, "'\u017F"), (Words{"'\u017F"}));
  EXPECT_EQ(split(qwen2_word_ascii_case, "'S'\u017F"), (Words{"'S", "'\u017F"}));
}

TEST(WordPatterns, NumbersAndPunctuation) {
  EXPECT_EQ(split(one_number, "a12\u00BD b"), (Words{"a", "1", "2", "\u00BD", " b"}));
  EXPECT_EQ(split(number_run, "a12\u00BD b3"), (Words{"a", "12\u00BD", " b", "3"}));
  EXPECT_EQ(split(up_to_three_numbers, "12345a"), (Words{"123", "45", "a"}));
  EXPECT_EQ(split(three_digits, "12345a6789"), (Words{"123", "45a", "678", "9"}));
  EXPECT_EQ(split(punctuation_run, "a+(b)`\u3002"), (Words{"a", "+(", "b", ")", "`", "\u3002"}));
  EXPECT_EQ(split(punctuation_run_backtick, "a)`b"), (Words{"a", ")`", "b"}));
}

TEST(WordPatterns, LaterStepsSeeWordsOnly) {
  // Spaces before a digit are at the end of their word, so that they stay together.
  EXPECT_EQ(split_chain({one_number, gpt2_word}, "a  12 b"), (Words{"a", "  ", "1", "2", " b"}));
  EXPECT_EQ(split_chain({}, "a b"), (Words{"a b"}));
}

TEST(WordPatterns, SpacePrefixIsAddedOnce) {
  for (auto [text, expected] :
       {std::pair{"a", " a"}, std::pair{" a", " a"}, std::pair{"\na", " \na"}}) {
    Collector out;
    SpacePrefix().split({.text = text}, out);
    EXPECT_EQ(out.words, Words{expected});
  }
}

TEST(WordPatterns, WordsJoinToTheTextWhateverItsBytes) {
  // Every text of four of these pieces, broken UTF-8 among them, as tokens of a GGUF may cut a
  // text.
  const std::string pieces[] = {"a", "1",        " ",        "\n",       "'",   "s",
                                "!", "\xC3\xA9", "\xC2\xA0", "\xE4\xB8", "\xFF"};
  const WordPattern patterns[] = {gpt2_word,  llama3_word,         qwen2_word,   one_number,
                                  number_run, up_to_three_numbers, three_digits, punctuation_run};
  for (const auto& a : pieces) {
    for (const auto& b : pieces) {
      for (const auto& c : pieces) {
        for (const auto& d : pieces) {
          const std::string text = a + b + c + d;
          for (WordPattern pattern : patterns) {
            std::string joined;
            for (const std::string& word : split(pattern, text)) {
              ASSERT_FALSE(word.empty());
              joined += word;
            }
            ASSERT_EQ(joined, text);
          }
        }
      }
    }
  }
}

TEST(WordPatterns, KnownExpressions) {
  EXPECT_EQ(find_known_pattern(R"(\p{N})").scan, &one_number);
  EXPECT_FALSE(find_known_pattern(R"(\p{N})").covers);
  EXPECT_TRUE(find_known_pattern(
                  R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)")
                  .covers);
  EXPECT_EQ(find_known_pattern("a+").scan, nullptr);
}

}  // namespace
}  // namespace hearth
