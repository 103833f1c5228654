#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

// "[7:<b>] c" for token 7 that took "<b>" and text " c".
std::string show(const AddedTokens& tokens, std::string_view text, bool parse_special = true) {
  std::string out;
  for (const AddedTokens::Piece& piece : tokens.split(text, parse_special)) {
    std::string part(text.substr(piece.begin, piece.end - piece.begin));
    out += piece.is_token ? "[" + std::to_string(piece.id) + ":" + part + "]" : "(" + part + ")";
  }
  return out;
}

using Order = AddedTokens::Order;

TEST(AddedTokens, AreFoundBetweenTexts) {
  for (Order order : {Order::kLeftmost, Order::kLongest}) {
    const AddedTokens tokens({{.content = "<a>", .id = 1}, {.content = "<b>", .id = 2}}, order);
    EXPECT_EQ(show(tokens, "x<a><b> y<a"), "(x)[1:<a>][2:<b>]( y<a)");
    EXPECT_EQ(show(tokens, "<a>"), "[1:<a>]");
    EXPECT_EQ(show(tokens, ""), "");
    EXPECT_EQ(show(tokens, "plain"), "(plain)");
  }
}

TEST(AddedTokens, SpecialOnesOnlyWhenParsed) {
  for (Order order : {Order::kLeftmost, Order::kLongest}) {
    const AddedTokens tokens(
        {{.content = "<a>", .id = 1, .special = true}, {.content = "<b>", .id = 2}}, order);
    EXPECT_EQ(show(tokens, "<a><b>", false), "(<a>)[2:<b>]");
    EXPECT_EQ(show(tokens, "<a><b>", true), "[1:<a>][2:<b>]");
  }
}

TEST(AddedTokens, OverlapsGoByTheOrder) {
  const std::vector<AddedToken> list = {
      {.content = "ab", .id = 1}, {.content = "abc", .id = 2}, {.content = "cdef", .id = 3}};
  EXPECT_EQ(show(AddedTokens(list, Order::kLeftmost), "abcdef"), "[2:abc](def)");
  EXPECT_EQ(show(AddedTokens(list, Order::kLongest), "abcdef"), "[1:ab][3:cdef]");
  EXPECT_EQ(show(AddedTokens(list, Order::kLeftmost), "abd"), "[1:ab](d)");
  EXPECT_EQ(show(AddedTokens({{.content = "aa", .id = 1}}, Order::kLongest), "aaaaa"),
            "[1:aa][1:aa](a)");
}

TEST(AddedTokens, StripTakesSpacesAlong) {
  const AddedTokens left({{.content = "<m>", .id = 1, .lstrip = true}}, Order::kLeftmost);
  EXPECT_EQ(show(left, "a \u3000<m> b"), "(a)[1: \u3000<m>]( b)");
  const AddedTokens right({{.content = "<m>", .id = 1, .rstrip = true}}, Order::kLeftmost);
  EXPECT_EQ(show(right, "a <m>\n b"), "(a )[1:<m>\n ](b)");
  const AddedTokens both({{.content = "<m>", .id = 1, .lstrip = true, .rstrip = true}},
                         Order::kLeftmost);
  EXPECT_EQ(show(both, " <m> <m> "), "[1: <m> ][1:<m> ]");
}

TEST(AddedTokens, SingleWordsAreNotFoundInsideOthers) {
  const AddedTokens tokens({{.content = "ing", .id = 1, .single_word = true}}, Order::kLeftmost);
  EXPECT_EQ(show(tokens, "ing going ing. \u00E9ing ing\u0301 ing"),
            "[1:ing]( going )[1:ing](. \u00E9ing ing\u0301 )[1:ing]");
}

TEST(AddedTokens, NormalizedOnesComeSecond) {
  const AddedTokens tokens(
      {{.content = "abc", .id = 1, .normalized = true}, {.content = "cd", .id = 2}},
      Order::kLeftmost);
  EXPECT_EQ(show(tokens, "abcd abc"), "(ab)[2:cd]( abc)");
  EXPECT_TRUE(tokens.has_normalized());
  const auto pieces = tokens.split_normalized(" abc", true);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[1].id, 1u);
  EXPECT_EQ(pieces[1].begin, 1u);
}

TEST(AddedTokens, WhatNoTextCanHoldIsNeverFound) {
  for (Order order : {Order::kLeftmost, Order::kLongest}) {
    const AddedTokens tokens({{.content = "", .id = 1},
                              {.content = "\xE4\xB8", .id = 2},
                              {.content = "x", .id = 3},
                              {.content = "x", .id = 4}},
                             order);
    EXPECT_EQ(show(tokens, "\u4E2Dx"), "(\u4E2D)[3:x]");
  }
}

}  // namespace
}  // namespace hearth
