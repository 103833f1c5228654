// Behaviors of Split against what the tokenizers library (0.23.3) makes of them.
#include "text/split.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
  std::string_view behavior;
  bool invert;
  std::string_view words;  // with a bar between two
};

constexpr Case kCases[] = {
    {R"(a)", "aaXaYYaaZa", "Isolated", false, "a|a|X|a|YY|a|a|Z|a"},
    {R"(a)", "aaXaYYaaZa", "Isolated", true, "a|a|X|a|YY|a|a|Z|a"},
    {R"(a)", "aaXaYYaaZa", "Removed", false, "X|YY|Z"},
    {R"(a)", "aaXaYYaaZa", "Removed", true, "a|a|a|a|a|a"},
    {R"(a)", "aaXaYYaaZa", "MergedWithPrevious", false, "a|a|Xa|YYa|a|Za"},
    {R"(a)", "aaXaYYaaZa", "MergedWithPrevious", true, "a|aX|aYY|a|aZ|a"},
    {R"(a)", "aaXaYYaaZa", "MergedWithNext", false, "a|aX|aYY|a|aZ|a"},
    {R"(a)", "aaXaYYaaZa", "MergedWithNext", true, "a|a|Xa|YYa|a|Za"},
    {R"(a)", "aaXaYYaaZa", "Contiguous", false, "aa|X|a|YY|aa|Z|a"},
    {R"(a)", "aaXaYYaaZa", "Contiguous", true, "aa|X|a|YY|aa|Z|a"},
    {R"(a*)", "baacXaa", "Isolated", false, "b|aa|c|X|aa"},
    {R"(a*)", "baacXaa", "Isolated", true, "b|aa|c|X|aa"},
    {R"(a*)", "baacXaa", "Removed", false, "b|c|X"},
    {R"(a*)", "baacXaa", "Removed", true, "aa|aa"},
    {R"(a*)", "baacXaa", "MergedWithPrevious", false, "baa|c|Xaa"},
    {R"(a*)", "baacXaa", "MergedWithPrevious", true, "b|aac|X|aa"},
    {R"(a*)", "baacXaa", "MergedWithNext", false, "b|aac|X|aa"},
    {R"(a*)", "baacXaa", "MergedWithNext", true, "baa|c|Xaa"},
    {R"(a*)", "baacXaa", "Contiguous", false, "b|aa|c|X|aa"},
    {R"(a*)", "baacXaa", "Contiguous", true, "b|aa|c|X|aa"},
    {R"(\s)", "  a b  c ", "Isolated", false, " | |a| |b| | |c| "},
    {R"(\s)", "  a b  c ", "Isolated", true, " | |a| |b| | |c| "},
    {R"(\s)", "  a b  c ", "Removed", false, "a|b|c"},
    {R"(\s)", "  a b  c ", "Removed", true, " | | | | | "},
    {R"(\s)", "  a b  c ", "MergedWithPrevious", false, " | |a |b | |c "},
    {R"(\s)", "  a b  c ", "MergedWithPrevious", true, " | a| b| | c| "},
    {R"(\s)", "  a b  c ", "MergedWithNext", false, " | a| b| | c| "},
    {R"(\s)", "  a b  c ", "MergedWithNext", true, " | |a |b | |c "},
    {R"(\s)", "  a b  c ", "Contiguous", false, "  |a| |b|  |c| "},
    {R"(\s)", "  a b  c ", "Contiguous", true, "  |a| |b|  |c| "},
};

struct Collector final : WordSink {
  void word(const Slice& slice) override {
    if (!words.empty()) words += "|";
    words += slice.text;
  }
  std::string words;
};

TEST(Split, BehavesAsTheLibraryDoes) {
  for (const Case& one : kCases) {
    auto regex = Regex::compile(one.pattern);
    ASSERT_TRUE(regex.has_value());
    Collector out;
    RegexSplit(*std::move(regex), *split_behavior(one.behavior), one.invert)
        .split({.text = one.text}, out);
    EXPECT_EQ(out.words, one.words)
        << one.pattern << " on " << one.text << ": " << one.behavior << ", " << one.invert;
  }
}

TEST(Split, ABehaviorNotKnownIsNone) { EXPECT_FALSE(split_behavior("isolated")); }

}  // namespace
}  // namespace hearth
