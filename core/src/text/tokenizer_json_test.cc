// Tokenizers from tokenizer.json built by hand, right ones and broken ones.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "text/tiny_vocab.h"
#include "text/tokenizer.h"

namespace hearth {
namespace {

using Ids = std::vector<TokenId>;
using nlohmann::json;

json byte_level(bool prefix, bool regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", prefix}, {"use_regex", regex}};
}

// tiny_vocab() and two added tokens: 265 <|im_end|> (special) and 266 "hello world".
json make_document() {
  const testing::TinyVocab vocab = testing::tiny_vocab();
  json document = {{"version", "1.0"}, {"normalizer", nullptr}, {"post_processor", nullptr}};
  document["pre_tokenizer"] = byte_level(false, true);
  document["decoder"] = {{"type", "ByteLevel"}};
  json& model = document["model"];
  model = {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"fuse_unk", false}};
  for (std::size_t id = 0; id < vocab.tokens.size(); ++id) model["vocab"][vocab.tokens[id]] = id;
  for (const auto& [left, right] : vocab.merges) model["merges"].push_back(left + " " + right);
  document["added_tokens"] = {{{"id", 265}, {"content", "<|im_end|>"}, {"special", true}},
                              {{"id", 266}, {"content", "hello world"}, {"special", false}}};
  return document;
}

Result<std::unique_ptr<Tokenizer>> load(const json& document, const json& config = nullptr) {
  return tokenizer_from_json(document.dump(), config.is_null() ? "" : config.dump());
}

Ids encode(const json& document, std::string_view text, EncodeOptions options = {}) {
  auto tokenizer = load(document);
  if (!tokenizer) {
    ADD_FAILURE() << tokenizer.error().message;
    return {};
  }
  return (*tokenizer)->encode(text, options).value_or(Ids{});
}

void expect_error(const json& document, ErrorCode code, std::string_view name) {
  auto tokenizer = load(document);
  ASSERT_FALSE(tokenizer) << name;
  EXPECT_EQ(tokenizer.error().code, code) << tokenizer.error().message;
  EXPECT_EQ(tokenizer.error().name, name) << tokenizer.error().message;
}

TEST(JsonTokenizer, EncodesAndDecodes) {
  auto tokenizer = load(make_document());
  ASSERT_TRUE(tokenizer);
  const auto ids =
      (*tokenizer)->encode("hello hello12 <|im_end|>hello world", {.parse_special = true});
  ASSERT_TRUE(ids);
  EXPECT_EQ(*ids, (Ids{259, 260, 263, ' ', 265, 266}));
  EXPECT_EQ((*tokenizer)->decode(*ids, true), "hello hello12 hello world");
  EXPECT_EQ((*tokenizer)->vocab_size(), 267u);
  EXPECT_EQ((*tokenizer)->stop_ids, Ids{265});
}

TEST(JsonTokenizer, MergesAsPairsAndOlderFilesWithoutAType) {
  json document = make_document();
  json& model = document["model"];
  for (json& merge : model["merges"]) {
    const std::string text = merge;
    const std::size_t space = text.find(' ');
    merge = {text.substr(0, space), text.substr(space + 1)};
  }
  model.erase("type");
  EXPECT_EQ(encode(document, "hello"), Ids{259});
}

TEST(JsonTokenizer, PreTokenizers) {
  json document = make_document();
  json& pre = document["pre_tokenizer"];
  pre = byte_level(true, true);
  EXPECT_EQ(encode(document, "hello"), Ids{260});
  pre = byte_level(false, false);
  EXPECT_EQ(encode(document, "l lo"), (Ids{'l', ' ', 262}));
  pre = {{"type", "Sequence"},
         {"pretokenizers",
          {{{"type", "Digits"}, {"individual_digits", true}}, byte_level(false, true)}}};
  EXPECT_EQ(encode(document, "12"), (Ids{'1', '2'}));
  pre["pretokenizers"][0]["individual_digits"] = false;
  EXPECT_EQ(encode(document, "12"), Ids{263});
  pre["pretokenizers"][0] = {{"type", "Split"},
                             {"pattern", {{"Regex", R"(\p{N})"}}},
                             {"behavior", "Isolated"},
                             {"invert", false}};
  EXPECT_EQ(encode(document, "12"), (Ids{'1', '2'}));
}

TEST(JsonTokenizer, TemplatesAddTokensAroundAText) {
  json document = make_document();
  const json token = {{"SpecialToken", {{"id", "<|im_end|>"}, {"type_id", 0}}}};
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  json processor = {{"type", "TemplateProcessing"}, {"single", {token, text, token}}};
  processor["special_tokens"]["<|im_end|>"] = {{"id", "<|im_end|>"}, {"ids", {265, 'x'}}};
  document["post_processor"] = {{"type", "Sequence"},
                                {"processors", {{{"type", "ByteLevel"}}, processor}}};
  EXPECT_EQ(encode(document, "a", {.add_special = true}), (Ids{265, 'x', 'a', 265, 'x'}));
  EXPECT_EQ(encode(document, "a"), Ids{'a'});

  json& broken = document["post_processor"]["processors"][1];
  broken["special_tokens"]["<|im_end|>"]["ids"] = {267};
  expect_error(document, ErrorCode::kMalformedTokenizer, "<|im_end|>");
  broken["special_tokens"].clear();
  expect_error(document, ErrorCode::kMalformedTokenizer, "<|im_end|>");
  broken["single"] = {text, text};
  expect_error(document, ErrorCode::kUnsupportedTokenizer, "single with other than each text once");
}

TEST(JsonTokenizer, ReadsTheConfig) {
  auto tokenizer = load(make_document(), {{"chat_template", "{{ a }}"},
                                          {"bos_token", {{"content", "<s>"}}},
                                          {"eos_token", "hello world"}});
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ((*tokenizer)->chat_template, "{{ a }}");
  EXPECT_EQ((*tokenizer)->bos_token, "<s>");
  EXPECT_EQ((*tokenizer)->eos_token, "hello world");
  EXPECT_EQ((*tokenizer)->stop_ids, (Ids{266, 265}));

  auto named =
      load(make_document(),
           {{"chat_template",
             {{{"name", "tools"}, {"template", "t"}}, {{"name", "default"}, {"template", "d"}}}},
            {"eos_token", nullptr}});
  ASSERT_TRUE(named);
  EXPECT_EQ((*named)->chat_template, "d");
  EXPECT_EQ((*named)->eos_token, "");

  for (const auto& [config, name] :
       {std::pair<json, std::string>{{{"chat_template", 3}}, "chat_template"},
        {{{"chat_template", {1}}}, "chat_template"},
        {{{"eos_token", 3}}, "eos_token"},
        {{{"bos_token", {{"content", 1}}}}, "bos_token"},
        {json::array(), "tokenizer_config.json"}}) {
    auto broken = load(make_document(), config);
    ASSERT_FALSE(broken) << config;
    EXPECT_EQ(broken.error().code, ErrorCode::kMalformedTokenizer);
    EXPECT_EQ(broken.error().name, name);
  }
  auto garbage = tokenizer_from_json(make_document().dump(), "{");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ErrorCode::kMalformedJson);
}

TEST(JsonTokenizer, RefusesUnknownComponentsByName) {
  const std::pair<const char*, json> changes[] = {
      {"/model/type", "Trigram"},
      {"/normalizer", {{"type", "NFX"}}},
      {"/normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Uppercase"}}}}}},
      {"/decoder", {{"type", "Morse"}}},
      {"/pre_tokenizer", {{"type", "Jieba"}}},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", "(a)\\1"}}}, {"behavior", "Isolated"}}},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", R"(\p{N})"}}}, {"behavior", "Dropped"}}},
      {"/post_processor", {{"type", "Stamp"}}},
      {"/model/dropout", 0.1},
  };
  const std::string_view names[] = {"Trigram",         "NFX",     "Uppercase", "Morse",  "Jieba",
                                    "a backreference", "Dropped", "Stamp",     "dropout"};
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    json document = make_document();
    document[json::json_pointer(changes[i].first)] = changes[i].second;
    expect_error(document, ErrorCode::kUnsupportedTokenizer, names[i]);
  }
}

TEST(JsonTokenizer, RefusesWhatContradictsItself) {
  struct Case {
    const char* where;
    json value;
    std::string_view name;
  };
  const Case cases[] = {
      {"/model", 3, "model"},
      {"/model/vocab", json::object(), "vocab"},
      {"/model/vocab", json::array({1}), "vocab"},
      {"/model/vocab/a", -1, "a"},
      {"/model/vocab/a", "x", "a"},
      {"/model/vocab/a", 1e30, "a"},
      {"/model/vocab/a", 4'000'000'000u, "a"},
      {"/model/vocab/a", 10'000'000, "vocab"},
      {"/model/merges", 3, "merges"},
      {"/model/merges/0", "a", "a"},
      {"/model/merges/0", "a b c", "a b c"},
      {"/model/merges/0", {"a"}, "merges"},
      {"/model/merges/0", {"a", 1}, "merges"},
      {"/model/merges/0", {"a", "b"}, "ab"},
      {"/model/unk_token", "<unk>", "unk_token"},
      {"/model/fuse_unk", "x", "fuse_unk"},
      {"/added_tokens", 3, "added_tokens"},
      {"/added_tokens/0", 3, "added_tokens"},
      {"/added_tokens/0/id", -3, "added_tokens"},
      {"/added_tokens/0/special", 1, "special"},
      {"/added_tokens/0/content", "a", "a"},
      {"/added_tokens/0/id", 266, "hello world"},
      {"/pre_tokenizer/use_regex", 1, "use_regex"},
      {"/pre_tokenizer", {{"type", "Sequence"}}, "pretokenizers"},
      {"/pre_tokenizer", {{"type", "Split"}, {"behavior", "Isolated"}}, "pattern"},
      {"/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "ab"}}, "replacement"},
      {"/pre_tokenizer", {{"type", "CharDelimiterSplit"}}, "delimiter"},
      {"/pre_tokenizer", {{"type", "FixedLength"}, {"length", 0}}, "length"},
      {"/normalizer", {{"type", "Replace"}}, "Replace"},
      {"/normalizer", {{"type", "Prepend"}}, "prepend"},
      {"/normalizer", {{"type", "Precompiled"}}, "precompiled_charsmap"},
      {"/normalizer",
       {{"type", "Precompiled"}, {"precompiled_charsmap", "////fw"}},
       "precompiled_charsmap"},
      {"/decoder", {{"type", "WordPiece"}}, "prefix"},
      {"/decoder", {{"type", "Strip"}, {"content", ""}}, "content"},
      {"/post_processor", {{"type", "BertProcessing"}}, "sep"},
      {"/model", {{"type", "Unigram"}, {"vocab", {{"a"}}}}, "vocab"},
      {"/model",
       {{"type", "Unigram"}, {"vocab", json::array({{"a", 0.5}})}, {"unk_id", 1}},
       "unk_id"},
      {"/model", {{"type", "WordPiece"}, {"vocab", {{"a", 0}}}}, "unk_token"},
  };
  for (const Case& c : cases) {
    json document = make_document();
    document[json::json_pointer(c.where)] = c.value;
    expect_error(document, ErrorCode::kMalformedTokenizer, c.name);
  }
  json twice = make_document();
  twice["model"]["vocab"]["zz"] = 'a';
  auto tokenizer = load(twice);
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, ErrorCode::kMalformedTokenizer);
}

json with_model(json model) {
  json document = {{"model", std::move(model)}};
  document["pre_tokenizer"] = {{"type", "WhitespaceSplit"}};
  return document;
}

TEST(JsonTokenizer, Unigram) {
  const json vocab = json::array({{"<unk>", 0.0},
                                  {"a", -1.0},
                                  {"b", -1.0},
                                  {"ab", -1.5},
                                  {"ba", -3.0},
                                  {"<0xC3>", -9.0},
                                  {"<0xA9>", -9.0}});
  json document = with_model({{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab}});
  EXPECT_EQ(encode(document, "aba bab"), (Ids{3, 1, 2, 3}));
  // Unknown characters in a row are one token.
  EXPECT_EQ(encode(document, "xyab\u00E9"), (Ids{0, 3, 0}));
  document["model"]["byte_fallback"] = true;
  EXPECT_EQ(encode(document, "ab\u00E9"), (Ids{3, 5, 6}));
  // A megabyte without a space: quadratic time would be hours.
  EXPECT_EQ(encode(document, std::string(1 << 20, 'b')).size(), 1u << 20);
  document["model"].erase("unk_id");
  const auto tokenizer = load(document);
  ASSERT_TRUE(tokenizer);
  EXPECT_TRUE((*tokenizer)->encode("ab", {}));
  const auto unknown = (*tokenizer)->encode("x", {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().name, "unk_token");
}

TEST(JsonTokenizer, WordPieceAndWordLevel) {
  const json vocab = {{"?", 0}, {"un", 1}, {"##aff", 2}, {"##able", 3}, {"unaff", 4}};
  json document = with_model({{"type", "WordPiece"}, {"unk_token", "?"}, {"vocab", vocab}});
  EXPECT_EQ(encode(document, "unaffable unable affun un"), (Ids{4, 3, 1, 3, 0, 1}));
  document["model"]["max_input_chars_per_word"] = 5;
  EXPECT_EQ(encode(document, "unable unaff"), (Ids{0, 4}));
  // A megabyte in one word that the model may look at.
  document["model"]["max_input_chars_per_word"] = 1 << 21;
  std::string word = "un";
  while (word.size() < 1 << 20) word += "able";
  EXPECT_EQ(encode(document, word).size(), 1 + (word.size() - 2) / 4);
  document["model"]["type"] = "WordLevel";
  EXPECT_EQ(encode(document, "un unaff x"), (Ids{1, 4, 0}));
}

TEST(JsonTokenizer, PairsOffsetsAndTypes) {
  json document = with_model({{"type", "WordLevel"},
                              {"unk_token", "?"},
                              {"vocab", {{"?", 0}, {"[C]", 1}, {"[S]", 2}, {"\u00E9a", 3}}}});
  document["normalizer"] = {{"type", "Lowercase"}};
  document["post_processor"] = {
      {"type", "BertProcessing"}, {"sep", {"[S]", 2}}, {"cls", {"[C]", 1}}};
  const auto tokenizer = load(document);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const auto both =
      (*tokenizer)->encode_with_offsets(" \u00C9A", "x  \u00E9A", {.add_special = true});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->ids, (Ids{1, 3, 2, 0, 3, 2}));
  EXPECT_EQ(both->offsets, (std::vector<Span>{{0, 0}, {1, 4}, {0, 0}, {0, 1}, {3, 6}, {0, 0}}));
  EXPECT_EQ(both->type_ids, (std::vector<std::uint8_t>{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(both->second, (std::vector<std::uint8_t>{0, 0, 0, 1, 1, 0}));
  EXPECT_EQ(both->added, (std::vector<std::uint8_t>{1, 0, 1, 0, 0, 1}));
  document["post_processor"]["type"] = "RobertaProcessing";
  const auto roberta = (*load(document))->encode_with_offsets("x", "x", {.add_special = true});
  ASSERT_TRUE(roberta);
  EXPECT_EQ(roberta->ids, (Ids{1, 0, 2, 2, 0, 2}));
  EXPECT_EQ(roberta->type_ids, std::vector<std::uint8_t>(6, 0));
}

TEST(JsonTokenizer, NormalizedAddedTokensAreFoundInNormalizedText) {
  json document = with_model({{"type", "WordLevel"}, {"unk_token", "?"}, {"vocab", {{"?", 0}}}});
  document["normalizer"] = {{"type", "Lowercase"}};
  document["added_tokens"] = {{{"id", 1}, {"content", "Foo"}, {"normalized", true}},
                              {{"id", 2}, {"content", "Bar"}, {"normalized", false}}};
  EXPECT_EQ(encode(document, "xFOO bar Bar"), (Ids{0, 1, 0, 2}));
}

TEST(JsonTokenizer, RefusesWhatIsNoJson) {
  for (std::string_view text : {"", "{", "\xFF", "null", "[]", "3"}) {
    auto tokenizer = tokenizer_from_json(text, "");
    ASSERT_FALSE(tokenizer) << text;
    const ErrorCode code = tokenizer.error().code;
    EXPECT_TRUE(code == ErrorCode::kMalformedJson || code == ErrorCode::kMalformedTokenizer)
        << text;
  }
  EXPECT_EQ(tokenizer_from_json(std::string(100000, '['), "").error().code,
            ErrorCode::kMalformedJson);
}

}  // namespace
}  // namespace hearth
