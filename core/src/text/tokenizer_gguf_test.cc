// Tokenizers from GGUF metadata built by hand, right ones and broken ones.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "text/tiny_vocab.h"
#include "text/tokenizer.h"

namespace hearth {
namespace {

using Ids = std::vector<TokenId>;
constexpr TokenId kFirstAdded = 265;  // past tiny_vocab()'s tokens
constexpr TokenId kNoIdAtAll = 0xFFFFFFFF;

template <typename T>
void set(GgufHeader& header, std::string key, GgufType type, T value) {
  std::erase_if(header.metadata, [&](const GgufEntry& entry) { return entry.key == key; });
  GgufEntry entry{std::move(key), {}};
  entry.value.type = type;
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    entry.value.element_type = GgufType::kString;
  } else {
    entry.value.element_type = GgufType::kI32;
  }
  entry.value.value = std::move(value);
  header.metadata.push_back(std::move(entry));
}

void set_id(GgufHeader& header, const std::string& key, std::uint64_t id) {
  set(header, "tokenizer.ggml." + key, GgufType::kU32, id);
}

struct Lists {
  std::vector<std::string> tokens;
  std::vector<std::int64_t> types;
  std::vector<std::string> merges;
};

// Added: 265 <|im_start|>, 266 <|im_end|> (control), 267 "hello world" (user defined), 268 <0x0A>
// (byte), 269 "" and 270 "" (padding).
GgufHeader make_header(const std::function<void(Lists&)>& change = [](Lists&) {}) {
  const testing::TinyVocab vocab = testing::tiny_vocab();
  Lists lists{vocab.tokens, std::vector<std::int64_t>(vocab.tokens.size(), 1), {}};
  for (const auto& [left, right] : vocab.merges) lists.merges.push_back(left + " " + right);
  auto add = [&](std::string text, std::int64_t type) {
    lists.tokens.push_back(std::move(text));
    lists.types.push_back(type);
  };
  add("<|im_start|>", 3);
  add("<|im_end|>", 3);
  add("hello world", 4);
  add("<0x0A>", 6);
  add("", 5);
  add("", 5);
  change(lists);
  GgufHeader header;
  set(header, "tokenizer.ggml.model", GgufType::kString, std::string("gpt2"));
  set(header, "tokenizer.ggml.pre", GgufType::kString, std::string("smollm"));
  set(header, "tokenizer.ggml.tokens", GgufType::kArray, lists.tokens);
  set(header, "tokenizer.ggml.token_type", GgufType::kArray, lists.types);
  set(header, "tokenizer.ggml.merges", GgufType::kArray, lists.merges);
  return header;
}

void remove(GgufHeader& header, std::string_view key) {
  std::erase_if(header.metadata, [&](const GgufEntry& entry) { return entry.key == key; });
}

void expect_error(const GgufHeader& header, ErrorCode code, std::string_view name) {
  auto tokenizer = tokenizer_from_gguf(header);
  ASSERT_FALSE(tokenizer) << name;
  EXPECT_EQ(tokenizer.error().code, code) << tokenizer.error().message;
  EXPECT_EQ(tokenizer.error().name, name);
}

TEST(GgufTokenizer, EncodesAndDecodes) {
  auto tokenizer = tokenizer_from_gguf(make_header());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ((*tokenizer)->vocab_size(), kFirstAdded + 6);
  const auto ids = (*tokenizer)->encode("hello hello 12\u00E9", {});
  ASSERT_TRUE(ids);
  // Digits are words of their own, so that "12" is not merged; 261 is the é.
  EXPECT_EQ(*ids, (Ids{259, 260, ' ', '1', '2', 261}));
  EXPECT_EQ((*tokenizer)->decode(*ids, true), "hello hello 12\u00E9");
  EXPECT_EQ((*tokenizer)->token_bytes(260), " hello");
  EXPECT_EQ((*tokenizer)->token_bytes(268), "\n");
  EXPECT_EQ((*tokenizer)->token_bytes(270), "");
  EXPECT_EQ((*tokenizer)->token_bytes(271), "");
  EXPECT_EQ((*tokenizer)->token_bytes(kNoIdAtAll), "");
  EXPECT_FALSE((*tokenizer)->is_special(kNoIdAtAll));
  EXPECT_EQ(*(*tokenizer)->encode("", {}), Ids{});
}

TEST(GgufTokenizer, ReplacesInvalidUtf8) {
  auto tokenizer = tokenizer_from_gguf(make_header());
  ASSERT_TRUE(tokenizer);
  const auto broken = (*tokenizer)->encode_with_offsets("a\xFFhello\xE4\xB8", std::nullopt, {});
  const auto repaired = (*tokenizer)->encode_with_offsets("a\uFFFDhello\uFFFD", std::nullopt, {});
  ASSERT_TRUE(broken && repaired);
  EXPECT_EQ(broken->ids, repaired->ids);
  EXPECT_EQ(broken->ids.size(), 8u);
  // Three bytes a U+FFFD, each of which stands for all that was broken.
  EXPECT_EQ(broken->offsets[1], (Span{1, 2}));
  EXPECT_EQ(broken->offsets[3], (Span{1, 2}));
  EXPECT_EQ(broken->offsets[4], (Span{2, 7}));
  EXPECT_EQ(broken->offsets[7], (Span{7, 9}));
  EXPECT_EQ(repaired->offsets[7], (Span{9, 12}));
}

TEST(GgufTokenizer, ControlTokensNeedParsingUserDefinedOnesDoNot) {
  auto tokenizer = tokenizer_from_gguf(make_header());
  ASSERT_TRUE(tokenizer);
  const std::string text = "hello world<|im_end|>";
  EXPECT_EQ(*(*tokenizer)->encode(text, {.parse_special = true}), (Ids{267, 266}));
  const auto plain = *(*tokenizer)->encode(text, {});
  EXPECT_EQ(plain.front(), 267u);
  EXPECT_EQ(plain.size(), 1 + std::string_view("<|im_end|>").size());
  EXPECT_TRUE((*tokenizer)->is_special(266));
  EXPECT_FALSE((*tokenizer)->is_special(267));
  EXPECT_EQ((*tokenizer)->decode({265, 'a', 266}, true), "a");
  EXPECT_EQ((*tokenizer)->decode({265, 'a', 266}, false), "<|im_start|>a<|im_end|>");
}

TEST(GgufTokenizer, ReadsWhatTheFileSaysOfItsTokens) {
  GgufHeader header = make_header();
  auto bare = tokenizer_from_gguf(header);
  ASSERT_TRUE(bare);
  EXPECT_EQ((*bare)->bos_token, "");
  EXPECT_EQ((*bare)->chat_template, "");
  EXPECT_EQ((*bare)->stop_ids, Ids{266});
  EXPECT_EQ(*(*bare)->encode("a", {.add_special = true}), Ids{'a'});

  set_id(header, "bos_token_id", 265);
  set_id(header, "eos_token_id", 'e');
  set_id(header, "eot_token_id", 266);
  set(header, "tokenizer.ggml.add_bos_token", GgufType::kBool, true);
  set(header, "tokenizer.ggml.add_eos_token", GgufType::kBool, true);
  set(header, "tokenizer.chat_template", GgufType::kString, std::string("{{ x }}"));
  auto full = tokenizer_from_gguf(header);
  ASSERT_TRUE(full);
  EXPECT_EQ((*full)->bos_token, "<|im_start|>");
  EXPECT_EQ((*full)->eos_token, "e");
  EXPECT_EQ((*full)->chat_template, "{{ x }}");
  EXPECT_EQ((*full)->stop_ids, (Ids{'e', 266}));
  EXPECT_EQ(*(*full)->encode("a", {.add_special = true}), (Ids{265, 'a', 'e'}));
  EXPECT_EQ(*(*full)->encode("a", {}), Ids{'a'});
}

TEST(GgufTokenizer, OnlyControlTokensEndATurnByName) {
  auto tokenizer = tokenizer_from_gguf(make_header([](Lists& lists) { lists.types[266] = 1; }));
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ((*tokenizer)->stop_ids, Ids{});
}

TEST(GgufTokenizer, PreTokenizersDiffer) {
  struct Case {
    std::string_view pre;
    Ids ids;  // of "12  a"
  };
  for (const Case& c :
       {Case{"smollm", {'1', '2', ' ', ' ', 'a'}}, Case{"gpt-2", {263, ' ', ' ', 'a'}},
        Case{"default", {263, ' ', ' ', 'a'}}, Case{"qwen2", {'1', '2', ' ', ' ', 'a'}},
        Case{"llama3", {263, ' ', ' ', 'a'}}}) {
    GgufHeader header = make_header();
    set(header, "tokenizer.ggml.pre", GgufType::kString, std::string(c.pre));
    set_id(header, "bos_token_id", 265);
    auto tokenizer = tokenizer_from_gguf(header);
    ASSERT_TRUE(tokenizer) << c.pre;
    EXPECT_EQ(*(*tokenizer)->encode("12  a", {}), c.ids) << c.pre;
    // Llama 3's files may leave add_bos_token out, and mean true.
    const std::size_t bos = c.pre == "llama3" ? 1 : 0;
    EXPECT_EQ((*tokenizer)->encode("", {.add_special = true})->size(), bos) << c.pre;
  }
}

TEST(GgufTokenizer, RefusesOtherKindsByName) {
  GgufHeader header = make_header();
  set(header, "tokenizer.ggml.model", GgufType::kString, std::string("rwkv"));
  expect_error(header, ErrorCode::kUnsupportedTokenizer, "rwkv");
  header = make_header();
  set(header, "tokenizer.ggml.pre", GgufType::kString, std::string("tekken"));
  expect_error(header, ErrorCode::kUnsupportedTokenizer, "tekken");
}

TEST(GgufTokenizer, RefusesWhatIsMissing) {
  for (std::string_view key :
       {"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    GgufHeader header = make_header();
    remove(header, key);
    expect_error(header, ErrorCode::kMissingMetadata, key);
  }
  GgufHeader header = make_header();
  set(header, "tokenizer.ggml.add_bos_token", GgufType::kBool, true);
  expect_error(header, ErrorCode::kMissingMetadata, "tokenizer.ggml.bos_token_id");
  expect_error(GgufHeader{}, ErrorCode::kMissingMetadata, "tokenizer.ggml.model");
}

TEST(GgufTokenizer, RefusesWhatContradictsItself) {
  constexpr ErrorCode kCode = ErrorCode::kMalformedTokenizer;
  expect_error(make_header([](Lists& l) { l.types.pop_back(); }), kCode,
               "tokenizer.ggml.token_type");
  expect_error(make_header([](Lists& l) { l = {}; }), kCode, "tokenizer.ggml.tokens");
  expect_error(make_header([](Lists& l) { l.tokens[3] = "hello"; }), kCode, "hello");
  expect_error(make_header([](Lists& l) { l.merges.push_back("h nothing"); }), kCode, "nothing");
  expect_error(make_header([](Lists& l) { l.merges.push_back("hello"); }), kCode, "hello");
  expect_error(make_header([](Lists& l) { l.merges.push_back(""); }), kCode, "");
  for (const char* key : {"bos_token_id", "eos_token_id", "eot_token_id", "eom_token_id"}) {
    GgufHeader header = make_header();
    set_id(header, key, kFirstAdded + 6);
    expect_error(header, kCode, std::string("tokenizer.ggml.") + key);
    set(header, std::string("tokenizer.ggml.") + key, GgufType::kString, std::string("x"));
    expect_error(header, kCode, std::string("tokenizer.ggml.") + key);
  }
}

TEST(GgufTokenizer, TypesMayBeAbsent) {
  GgufHeader header = make_header();
  remove(header, "tokenizer.ggml.token_type");
  auto tokenizer = tokenizer_from_gguf(header);
  ASSERT_TRUE(tokenizer);
  EXPECT_FALSE((*tokenizer)->is_special(266));
}

// 0 <unk>, 1 <s>, 2 </s>, 3 the byte of "z", then words and letters; 9 is user defined.
GgufHeader make_llama() {
  GgufHeader header;
  set(header, "tokenizer.ggml.model", GgufType::kString, std::string("llama"));
  set(header, "tokenizer.ggml.tokens", GgufType::kArray,
      std::vector<std::string>{"<unk>", "<s>", "</s>", "<0x7A>", "\u2581", "h", "i", "\u2581hi",
                               "hi", "<tool>"});
  set(header, "tokenizer.ggml.token_type", GgufType::kArray,
      std::vector<std::int64_t>{2, 3, 3, 6, 1, 1, 1, 1, 1, 4});
  set(header, "tokenizer.ggml.scores", GgufType::kArray,
      std::vector<double>{0, 0, 0, 0, -1, -2, -3, -5, -4, 0});
  header.metadata.back().value.element_type = GgufType::kF32;
  set_id(header, "unknown_token_id", 0);
  return header;
}

TEST(GgufTokenizer, SentencePieceByScores) {
  GgufHeader header = make_llama();
  auto tokenizer = tokenizer_from_gguf(header);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const auto encoding = (*tokenizer)->encode_with_offsets("hi hiz!", std::nullopt, {});
  ASSERT_TRUE(encoding);
  EXPECT_EQ(encoding->ids, (Ids{7, 7, 3, 0}));
  EXPECT_EQ(encoding->offsets, (std::vector<Span>{{0, 2}, {2, 5}, {5, 6}, {6, 7}}));
  // Texts begin with "<s>" unless the file says otherwise, and a space comes before each piece.
  const EncodeOptions all{.add_special = true, .parse_special = true};
  EXPECT_EQ(*(*tokenizer)->encode("hi<tool>hi", all), (Ids{1, 7, 9, 7}));
  EXPECT_EQ(*(*tokenizer)->encode("", all), Ids{1});
  EXPECT_EQ((*tokenizer)->token_bytes(7), " hi");
  EXPECT_EQ((*tokenizer)->token_bytes(3), "z");
  set(header, "tokenizer.ggml.add_space_prefix", GgufType::kBool, false);
  EXPECT_EQ(*(*tokenizer_from_gguf(header))->encode("hi", {}), Ids{8});

  remove(header, "tokenizer.ggml.scores");
  expect_error(header, ErrorCode::kMissingMetadata, "tokenizer.ggml.scores");
  set(header, "tokenizer.ggml.scores", GgufType::kArray, std::vector<double>{0, 0});
  header.metadata.back().value.element_type = GgufType::kF32;
  expect_error(header, ErrorCode::kMalformedTokenizer, "tokenizer.ggml.scores");
}

}  // namespace
}  // namespace hearth
