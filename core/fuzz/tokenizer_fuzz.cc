// Fuzzes the tokenizer. The first byte picks: tokenizer.json (and, after a zero byte, its config)
// from the rest; or a text, through a built-in byte-level BPE in every form a caller can ask for.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/tiny_vocab.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace {

using namespace hearth;

std::string escaped(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

// All 256 bytes are tokens, so that any text comes back; two added tokens, one special.
std::unique_ptr<Tokenizer> make_tokenizer() {
  const testing::TinyVocab vocab = testing::tiny_vocab();
  std::string json =
      R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
      "decoder":{"type":"ByteLevel"},"added_tokens":[
      {"id":265,"content":"<|im_end|>","special":true},
      {"id":266,"content":"ab c","normalized":true}],"model":{"type":"BPE","vocab":{)";
  for (std::size_t id = 0; id < vocab.tokens.size(); ++id) {
    if (id != 0) json += ",";
    json += escaped(vocab.tokens[id]) + ":" + std::to_string(id);
  }
  json += R"(},"merges":[)";
  for (std::size_t i = 0; i < vocab.merges.size(); ++i) {
    if (i != 0) json += ",";
    json += "[" + escaped(vocab.merges[i].first) + "," + escaped(vocab.merges[i].second) + "]";
  }
  json += "]}}";
  auto tokenizer = tokenizer_from_json(json, "");
  HEARTH_CHECK(tokenizer.has_value());
  return *std::move(tokenizer);
}

void fuzz_json(std::string_view data) {
  const std::size_t zero = data.find('\0');
  const std::string_view config = zero == data.npos ? std::string_view() : data.substr(zero + 1);
  auto tokenizer = tokenizer_from_json(data.substr(0, zero), config);
  if (!tokenizer) {
    HEARTH_CHECK(!tokenizer.error().message.empty());
    return;
  }
  // A tokenizer that was accepted works: ids are inside its vocabulary.
  for (const bool on : {false, true}) {
    auto ids = (*tokenizer)->encode("a <|im_end|> 12\u00E9\n", {on, on});
    HEARTH_CHECK(ids.has_value());
    for (TokenId id : *ids) HEARTH_CHECK(id < (*tokenizer)->vocab_size());
    (void)(*tokenizer)->decode(*ids, on);
  }
}

void fuzz_text(std::string_view text) {
  static const std::unique_ptr<Tokenizer> tokenizer = make_tokenizer();
  for (const bool parse_special : {false, true}) {
    auto ids = tokenizer->encode(text, {false, parse_special});
    HEARTH_CHECK(ids.has_value());
    HEARTH_CHECK(!is_valid_utf8(text) || tokenizer->decode(*ids, false) == text);
  }
  // Streaming equals decoding whole, for bytes of any kind.
  std::vector<TokenId> bytes;
  std::string streamed;
  StreamDecoder decoder;
  for (char c : text) {
    bytes.push_back(static_cast<std::uint8_t>(c));
    decoder.push(tokenizer->token_bytes(bytes.back()), streamed);
  }
  HEARTH_CHECK(is_valid_utf8(streamed));
  decoder.finish(streamed);
  StreamDecoder whole;
  std::string at_once;
  whole.push(text, at_once);
  whole.finish(at_once);
  HEARTH_CHECK(streamed == at_once);
  HEARTH_CHECK(tokenizer->decode(bytes, false) == at_once);
  HEARTH_CHECK(!is_valid_utf8(text) || at_once == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    fuzz_json(rest);
  } else {
    fuzz_text(rest);
  }
  return 0;
}
