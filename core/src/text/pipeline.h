// The tokenizer that both file formats build: added tokens are found first, the text between them
// is normalized and cut into words, the model turns each word into tokens, and the tokens that the
// model of the model's family expects are put around.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pretokenizer.h"
#include "text/token_model.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

namespace hearth {

struct PipelineParts {
  Vocab vocab;    ///< tokens as bytes of text
  Vocab written;  ///< tokens as decoder steps take them; empty when there are no such steps
  std::vector<DecoderStep> decoder;
  bool strip_first = false;  ///< decoding by bytes leaves out a space at the text's start
  AddedTokens added;
  std::unique_ptr<Normalizer> normalizer;  ///< may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<TokenModel> model;
  PostProcessor post_processor;
};

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(PipelineParts parts) : parts_(std::move(parts)) {}

  Result<std::vector<TokenId>> encode(std::string_view text,
                                      const EncodeOptions& options) const override;
  Result<Encoding> encode_with_offsets(std::string_view text, std::optional<std::string_view> pair,
                                       const EncodeOptions& options) const override;
  std::unique_ptr<TokenStream> stream(const DecodeOptions& options) const override;
  std::string_view token_bytes(TokenId id) const override { return parts_.vocab.bytes(id); }
  bool is_special(TokenId id) const override { return parts_.vocab.special(id); }
  std::uint32_t vocab_size() const override { return parts_.vocab.size(); }

 private:
  struct WordEncoder;
  Result<Encoding> encode_one(std::string_view text, const EncodeOptions& options) const;
  Result<void> encode_valid(std::string_view text, bool parse_special, TokenSink& out) const;
  void trim(std::string_view text, Encoding& encoding) const;

  PipelineParts parts_;
};

/// Adds to `stop_ids` the control tokens that end a text or a turn, known by their names; an id is
/// listed once. Chat models end their answers with one of these whatever the file calls "eos".
void add_named_stop_ids(const Vocab& vocab, std::vector<TokenId>& stop_ids);

/// Adds the id unless it is listed.
void add_stop_id(TokenId id, std::vector<TokenId>& stop_ids);

}  // namespace hearth
