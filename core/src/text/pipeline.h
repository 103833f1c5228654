// The tokenizer that both file formats build: added tokens are found first, the text between them
// is cut into words, and the model turns each word into tokens.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/pretokenizer.h"
#include "text/token_model.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

namespace hearth {

struct PipelineParts {
  Vocab vocab;
  AddedTokens added;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<TokenModel> model;
  std::vector<TokenId> prefix;  ///< what add_special puts before a text
  std::vector<TokenId> suffix;  ///< and after it
};

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(PipelineParts parts) : parts_(std::move(parts)) {}

  Result<std::vector<TokenId>> encode(std::string_view text,
                                      const EncodeOptions& options) const override;
  std::string_view token_bytes(TokenId id) const override { return parts_.vocab.bytes(id); }
  bool is_special(TokenId id) const override { return parts_.vocab.special(id); }
  std::uint32_t vocab_size() const override { return parts_.vocab.size(); }

 private:
  PipelineParts parts_;
};

/// Adds to `stop_ids` the control tokens that end a text or a turn, known by their names; an id is
/// listed once. Chat models end their answers with one of these whatever the file calls "eos".
void add_named_stop_ids(const Vocab& vocab, std::vector<TokenId>& stop_ids);

/// Adds the id unless it is listed.
void add_stop_id(TokenId id, std::vector<TokenId>& stop_ids);

}  // namespace hearth
