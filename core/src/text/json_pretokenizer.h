// The `pre_tokenizer` of tokenizer.json.
#pragma once

#include <memory>

#include "text/json_members.h"
#include "text/pretokenizer.h"

namespace hearth {

/// `value` is the component, or nullptr for null. The chain always ends in ByteLevel's alphabet,
/// which costs no step here, as tokens are bytes. Errors: unsupported_tokenizer naming the
/// component, expression or option; malformed_tokenizer.
Result<std::unique_ptr<PreTokenizer>> make_json_pre_tokenizer(const Json* value);

}  // namespace hearth
