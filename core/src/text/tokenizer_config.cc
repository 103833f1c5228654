// Reading tokenizer_config.json: see tokenizer_config.h.
#include "text/tokenizer_config.h"

#include "formats/json.h"
#include "text/json_members.h"

namespace hearth {
namespace {

// A token is written as its text, or as an object with its `content`.
Result<std::string> read_token(const Json& root, const char* key) {
  const Json* value = member(root, key);
  if (value == nullptr) return std::string();
  const std::string* text =
      value->is_object() ? string_member(*value, "content") : string_member(root, key);
  if (text == nullptr) {
    return fail(ErrorCode::kMalformedTokenizer, cat("\"", key, "\" is no token's text."), key);
  }
  return *text;
}

Result<std::string> read_chat_template(const Json& root) {
  constexpr const char* kKey = "chat_template";
  const Json* value = member(root, kKey);
  if (value == nullptr) return std::string();
  if (const std::string* text = string_member(root, kKey)) return *text;
  if (value->is_array()) {
    for (const Json& entry : *value) {
      const std::string* name = string_member(entry, "name");
      const std::string* text = string_member(entry, "template");
      if (name == nullptr || text == nullptr) break;
      if (*name == "default") return *text;
    }
  }
  return fail(ErrorCode::kMalformedTokenizer,
              "The chat template is neither a text nor a list with one named \"default\".", kKey);
}

}  // namespace

Result<TokenizerConfig> read_tokenizer_config(std::string_view json) {
  TokenizerConfig config;
  if (json.empty()) return config;
  HEARTH_ASSIGN(const Json root, parse_json(json, "tokenizer_config.json"));
  if (!root.is_object()) {
    return fail(ErrorCode::kMalformedTokenizer, "The document is no object.",
                "tokenizer_config.json");
  }
  HEARTH_ASSIGN(config.chat_template, read_chat_template(root));
  HEARTH_ASSIGN(config.bos_token, read_token(root, "bos_token"));
  HEARTH_ASSIGN(config.eos_token, read_token(root, "eos_token"));
  return config;
}

}  // namespace hearth
