// Reading the components of tokenizer.json, the format of
// https://github.com/huggingface/tokenizers. What is not known is refused by name, because a
// tokenizer that is only nearly right spoils a model silently. All errors: unsupported_tokenizer,
// malformed_tokenizer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/decoder.h"
#include "text/json_members.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pretokenizer.h"
#include "text/token_model.h"

namespace hearth {

struct JsonNormalizer {
  std::unique_ptr<Normalizer> normalizer;  ///< null for none
  bool byte_level = false;                 ///< writes the byte-level alphabet
};
/// nullptr stands for a component that is absent, here and below.
Result<JsonNormalizer> read_normalizer(const Json* value);

struct JsonPreTokenizer {
  std::unique_ptr<PreTokenizerChain> chain;
  bool byte_level = false;  ///< ByteLevel is among the steps
  /// ByteLevel is the last step, and has not written its alphabet: the model may take bytes.
  bool bytes_last = false;
};
Result<JsonPreTokenizer> read_pre_tokenizer(const Json* value);

/// Tokens by their texts, which view the JSON.
using JsonVocab = std::unordered_map<std::string_view, TokenId>;

struct JsonModel {
  JsonVocab ids;
  TokenId last = 0;       ///< the largest id
  std::size_t bytes = 0;  ///< of all texts
  /// Makes the model. `bytes`: words come as bytes, tokens are in the byte-level alphabet.
  std::function<Result<std::unique_ptr<TokenModel>>(bool bytes)> make;
  /// Whether it can take bytes.
  bool takes_bytes = false;
  std::string_view continuing_prefix;  ///< WordPiece's
};
/// `value` must outlive what is returned.
Result<JsonModel> read_model(const Json& value);

/// `vocab_size`: ids must be below.
Result<PostProcessor> read_post_processor(const Json* value, std::size_t vocab_size);

Result<std::vector<DecoderStep>> read_decoder(const Json* value);

/// The id, if it is one.
std::optional<TokenId> read_token_id(const Json& value);

/// A character, or one that is absent. Errors: malformed_tokenizer.
Result<std::string> character_member(const Json& value, const char* key, std::string_view absent);

}  // namespace hearth
