// Encoding through the pipeline, and the names of tokens that end a turn.
#include "text/pipeline.h"

#include <algorithm>

#include "base/cat.h"
#include "text/utf8.h"

namespace hearth {

Result<std::vector<TokenId>> PipelineTokenizer::encode(std::string_view text,
                                                       const EncodeOptions& options) const {
  if (const std::size_t at = find_invalid_utf8(text); at != text.size()) {
    return fail(ErrorCode::kInvalidUtf8, cat("The text is not valid UTF-8 at byte ", at, "."),
                "text");
  }
  struct ModelSink final : WordSink {
    ModelSink(const TokenModel& model_in, std::vector<TokenId>& ids_in)
        : model(model_in), ids(ids_in) {}
    void word(std::string_view word_text) override { model.encode_word(word_text, ids); }
    const TokenModel& model;
    std::vector<TokenId>& ids;
  };
  std::vector<TokenId> ids;
  // English text has four to five bytes a token.
  ids.reserve(text.size() / 4 + parts_.prefix.size() + parts_.suffix.size() + 1);
  if (options.add_special) ids = parts_.prefix;
  ModelSink sink(*parts_.model, ids);
  for (const AddedTokens::Piece& piece : parts_.added.split(text, options.parse_special)) {
    if (piece.is_token) {
      ids.push_back(piece.id);
    } else {
      parts_.pre_tokenizer->split(text.substr(piece.begin, piece.end - piece.begin), sink);
    }
  }
  if (options.add_special) ids.insert(ids.end(), parts_.suffix.begin(), parts_.suffix.end());
  return ids;
}

void add_stop_id(TokenId id, std::vector<TokenId>& stop_ids) {
  if (std::ranges::find(stop_ids, id) == stop_ids.end()) stop_ids.push_back(id);
}

void add_named_stop_ids(const Vocab& vocab, std::vector<TokenId>& stop_ids) {
  // ChatML, Llama 3, GPT and OLMo, Phi 3, Gemma, Llama 2 and Mistral, OpenChat, SmolVLM, DeepSeek.
  static constexpr std::string_view kNames[] = {
      "<|im_end|>",      "<|eot_id|>",         "<|eom_id|>",
      "<|endoftext|>",   "<|end_of_text|>",    "<|end|>",
      "<eos>",           "<end_of_turn>",      "</s>",
      "<|end_of_turn|>", "<end_of_utterance>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
  };
  for (TokenId id = 0; id < vocab.size(); ++id) {
    if (vocab.special(id) && std::ranges::find(kNames, vocab.bytes(id)) != std::end(kNames)) {
      add_stop_id(id, stop_ids);
    }
  }
}

}  // namespace hearth
