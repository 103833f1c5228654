#include "text/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "text/tiny_vocab.h"

namespace hearth {
namespace {

using testing::TinyVocab;
using Ids = std::vector<TokenId>;

// Views of the vocabulary, which must outlive them.
BpeParts parts_of(const TinyVocab& vocab) {
  BpeParts parts;
  for (std::size_t id = 0; id < vocab.tokens.size(); ++id) {
    parts.ids.emplace(vocab.tokens[id], static_cast<TokenId>(id));
  }
  for (const auto& [left, right] : vocab.merges) parts.merges.emplace_back(left, right);
  return parts;
}

Ids encode(const BpeModel& model, std::string_view word) {
  Ids ids;
  std::vector<Span> spans;
  TokenSink plain(ids, nullptr);
  model.encode_word(word, plain);
  Ids tracked_ids;
  TokenSink tracked(tracked_ids, &spans);
  model.encode_word(word, tracked);
  EXPECT_EQ(tracked_ids, ids);
  std::uint32_t end = 0;
  for (const Span& span : spans) {
    EXPECT_GE(span.begin, end);
    end = span.end;
  }
  EXPECT_LE(end, word.size());
  return ids;
}

// The definition, in quadratic time: merge the leftmost pair of the least rank until there is none.
Ids slow_encode(const TinyVocab& vocab, std::string_view word) {
  std::vector<std::string> symbols;
  for (char c : word) symbols.push_back(TinyVocab::written(std::string(1, c)));
  while (true) {
    std::size_t best = vocab.merges.size();
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      for (std::size_t rank = 0; rank < best; ++rank) {
        if (vocab.merges[rank] == std::pair(symbols[i], symbols[i + 1])) {
          best = rank;
          at = i;
          break;
        }
      }
    }
    if (best == vocab.merges.size()) break;
    symbols[at] += symbols[at + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  Ids ids;
  for (const std::string& symbol : symbols) {
    ids.push_back(
        static_cast<TokenId>(std::ranges::find(vocab.tokens, symbol) - vocab.tokens.begin()));
  }
  return ids;
}

TEST(Bpe, MergesByRankThenFromTheLeft) {
  auto model = BpeModel::make(parts_of(testing::tiny_vocab()));
  ASSERT_TRUE(model);
  EXPECT_EQ(encode(**model, "hello"), Ids{259});
  EXPECT_EQ(encode(**model, " hello"), Ids{260});
  EXPECT_EQ(encode(**model, "lllo"), (Ids{257, 262}));
  EXPECT_EQ(encode(**model, "llo"), (Ids{257, 'o'}));
  EXPECT_EQ(encode(**model, "\xC3\xA9"), Ids{261});
  EXPECT_EQ(encode(**model, ""), Ids{});
  EXPECT_EQ(encode(**model, "x"), Ids{'x'});
}

TEST(Bpe, EqualsItsDefinition) {
  // Few letters and merges that compete: most places have several candidates.
  const TinyVocab vocab({{"a", "b"},
                         {"b", "a"},
                         {"a", "a"},
                         {"ab", "ab"},
                         {"b", "b"},
                         {"aa", "aa"},
                         {"ba", "b"},
                         {"c", "ab"},
                         {"abab", "a"},
                         {"bb", "aa"}});
  auto model = BpeModel::make(parts_of(vocab));
  ASSERT_TRUE(model);
  std::uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string word;
    for (int i = 0; i < 1 + round % 50; ++i) {
      state = state * 1664525 + 1013904223;  // Numerical Recipes' generator
      word.push_back("abc"[(state >> 16) % 3]);
    }
    // Twice: the second time short words come from the cache.
    ASSERT_EQ(encode(**model, word), slow_encode(vocab, word)) << word;
    ASSERT_EQ(encode(**model, word), slow_encode(vocab, word)) << word;
  }
}

TEST(Bpe, AWordOfAMegabyteOfOneLetter) {
  // Quadratic time would be hours here, and the suite would not end.
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::string half = "a"; half.size() < 64; half += half) pairs.emplace_back(half, half);
  auto model = BpeModel::make(parts_of(TinyVocab(pairs)));
  ASSERT_TRUE(model);
  const Ids ids = encode(**model, std::string(1 << 20, 'a'));
  EXPECT_EQ(ids, Ids((1 << 20) / 64, 256 + 5));
}

TEST(Bpe, WholeWordsGoBeforeMerges) {
  TinyVocab vocab = testing::tiny_vocab();
  vocab.tokens.push_back("xyz");  // 265, which no merge makes
  BpeParts parts = parts_of(vocab);
  EXPECT_EQ(encode(**BpeModel::make(parts), "xyz"), (Ids{'x', 'y', 'z'}));
  parts.whole_words = true;
  EXPECT_EQ(encode(**BpeModel::make(parts), "xyz"), Ids{265});
  EXPECT_EQ(encode(**BpeModel::make(parts), "xyzx"), (Ids{'x', 'y', 'z', 'x'}));
}

TEST(Bpe, BytesWithoutATokenAreTreatedAsAsked) {
  const TinyVocab vocab = testing::tiny_vocab();
  BpeParts parts = parts_of(vocab);
  parts.ids.erase("Z");
  EXPECT_EQ(encode(**BpeModel::make(parts), "hZeZZ"), Ids{256});
  parts.missing = BpeParts::Missing::kSeparate;
  EXPECT_EQ(encode(**BpeModel::make(parts), "hZe"), (Ids{'h', 'e'}));
  parts.unknown = '?';
  parts.missing = BpeParts::Missing::kUnknown;
  EXPECT_EQ(encode(**BpeModel::make(parts), "hZZe"), (Ids{'h', '?', '?', 'e'}));
  parts.missing = BpeParts::Missing::kUnknownRun;
  EXPECT_EQ(encode(**BpeModel::make(parts), "hZZeZ"), (Ids{'h', '?', 'e', '?'}));
}

// Characters and tokens of them, in the order given; merges as pairs of them.
struct CharacterVocab {
  std::vector<std::string> tokens;
  BpeParts parts;
  CharacterVocab(std::vector<std::string> tokens_in,
                 std::vector<std::pair<std::string_view, std::string_view>> merges)
      : tokens(std::move(tokens_in)) {
    for (TokenId id = 0; id < tokens.size(); ++id) parts.ids.emplace(tokens[id], id);
    parts.merges = std::move(merges);
    parts.alphabet = BpeParts::Alphabet::kCharacters;
  }
};

TEST(Bpe, StartsFromCharacters) {
  CharacterVocab vocab({"?", "a", "\u00E9", "a\u00E9", "<0xC3>", "<0xA8>", "b"}, {{"a", "\u00E9"}});
  EXPECT_EQ(encode(**BpeModel::make(vocab.parts), "ba\u00E9a"), (Ids{6, 3, 1}));
  // U+00E8 is C3 A8 and has both bytes, U+00EA lacks one.
  vocab.parts.unknown = 0;
  vocab.parts.missing = BpeParts::Missing::kUnknown;
  EXPECT_EQ(encode(**BpeModel::make(vocab.parts), "\u00E8\u00EA\u00EAa"), (Ids{0, 0, 0, 1}));
  vocab.parts.byte_fallback = true;
  EXPECT_EQ(encode(**BpeModel::make(vocab.parts), "\u00E8\u00EA\u00EAa"), (Ids{4, 5, 0, 0, 1}));
  vocab.parts.missing = BpeParts::Missing::kUnknownRun;
  EXPECT_EQ(encode(**BpeModel::make(vocab.parts), "\u00EA\u00EAa"), (Ids{0, 1}));
}

TEST(Bpe, KnowsWhereInAWordACharacterIs) {
  CharacterVocab vocab({"a", "a</w>", "@a", "@a</w>", "aa", "@aa</w>"},
                       {{"a", "@a"}, {"@a", "@a</w>"}});
  vocab.parts.continuing_prefix = "@";
  vocab.parts.word_suffix = "</w>";
  const auto model = BpeModel::make(vocab.parts);
  ASSERT_TRUE(model);
  EXPECT_EQ(encode(**model, "a"), Ids{1});
  EXPECT_EQ(encode(**model, "aa"), (Ids{0, 3}));
  EXPECT_EQ(encode(**model, "aaa"), (Ids{4, 3}));
  EXPECT_EQ(encode(**model, "aaaa"), (Ids{4, 5}));
}

TEST(Bpe, ScoresSayWhichNeighboursJoinFirst) {
  // "d" has no token and yet is part of one; without the rest of it, its byte stands for it.
  CharacterVocab vocab({"a", "b", "c", "ab", "bc", "abc", "cd", "<0x64>"}, {});
  vocab.parts.scores = {0, 0, 0, -2, -1, -3, -4, 0};
  const auto model = BpeModel::make(vocab.parts);
  ASSERT_TRUE(model);
  EXPECT_EQ(encode(**model, "abc"), Ids{5});
  EXPECT_EQ(encode(**model, "abab"), (Ids{3, 3}));
  EXPECT_EQ(encode(**model, "cdd"), (Ids{6, 7}));
  EXPECT_EQ(encode(**model, "abcd"), (Ids{5, 7}));
  // No byte token and no unknown one: left out.
  EXPECT_EQ(encode(**model, "a\u4E2Db"), (Ids{0, 1}));
}

TEST(Bpe, CutsLongTextsWhereNoMergeReaches) {
  // A megabyte without a space between words, as SentencePiece sees it.
  CharacterVocab vocab({"_", "a", "b", "_a", "ab", "_ab"}, {{"_", "a"}, {"a", "b"}, {"_a", "b"}});
  const auto model = BpeModel::make(vocab.parts);
  ASSERT_TRUE(model);
  std::string text;
  Ids expected;
  for (int i = 0; i < 1 << 18; ++i) {
    text += i % 3 == 0 ? "_abb" : "_ab";
    expected.push_back(5);
    if (i % 3 == 0) expected.push_back(2);
  }
  EXPECT_EQ(encode(**model, text), expected);
}

TEST(Bpe, RefusesMergesOfUnknownTokens) {
  for (auto [left, right, missing] :
       {std::tuple{"h", "QQ", "QQ"}, std::tuple{"QQ", "h", "QQ"}, std::tuple{"h", "z", "hz"}}) {
    const TinyVocab vocab = testing::tiny_vocab();
    BpeParts parts = parts_of(vocab);
    parts.merges.emplace_back(left, right);
    auto model = BpeModel::make(parts);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::kMalformedTokenizer);
    EXPECT_EQ(model.error().name, missing);
  }
}

}  // namespace
}  // namespace hearth
