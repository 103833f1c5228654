// tokenizer_config.json: what a model's makers say beside its tokenizer.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth {

struct TokenizerConfig {
  std::string chat_template;  ///< of several named ones that called "default"
  std::string bos_token;
  std::string eos_token;
};

/// An empty document says nothing. Errors: malformed_json; malformed_tokenizer for a member of the
/// wrong kind.
Result<TokenizerConfig> read_tokenizer_config(std::string_view json);

}  // namespace hearth
