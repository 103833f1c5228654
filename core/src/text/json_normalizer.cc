// Normalizers of tokenizer.json: see json_components.h.
#include "text/charsmap.h"
#include "text/json_components.h"
#include "text/normalization.h"
#include "text/simple_normalizers.h"

namespace hearth {
namespace {

std::optional<NormalForm> find_form(std::string_view type) {
  if (type == "NFD") return NormalForm::kNfd;
  if (type == "NFC") return NormalForm::kNfc;
  if (type == "NFKD") return NormalForm::kNfkd;
  if (type == "NFKC") return NormalForm::kNfkc;
  return std::nullopt;
}

Result<std::unique_ptr<Normalizer>> read_bert(const Json& value) {
  BertNormalizer::Options options;
  HEARTH_ASSIGN(options.clean, bool_member(value, "clean_text", true));
  HEARTH_ASSIGN(options.space_chinese, bool_member(value, "handle_chinese_chars", true));
  HEARTH_ASSIGN(options.lowercase, bool_member(value, "lowercase", true));
  HEARTH_ASSIGN(options.strip_accents, bool_member(value, "strip_accents", options.lowercase));
  return std::make_unique<BertNormalizer>(options);
}

Result<std::unique_ptr<Normalizer>> read_replace(const Json& value) {
  const Json* pattern = member(value, "pattern");
  const std::string* content = string_member(value, "content");
  if (pattern == nullptr || content == nullptr) {
    return fail(ErrorCode::kMalformedTokenizer, "A Replace lacks its pattern or its content.",
                "Replace");
  }
  if (const std::string* text = string_member(*pattern, "String")) {
    return std::make_unique<ReplaceText>(*text, *content);
  }
  const std::string* regex = string_member(*pattern, "Regex");
  if (regex == nullptr) {
    return fail(ErrorCode::kMalformedTokenizer, "A Replace has no pattern.", "pattern");
  }
  HEARTH_ASSIGN(Regex compiled, Regex::compile(*regex));
  return std::make_unique<ReplaceRegex>(std::move(compiled), *content);
}

Result<std::unique_ptr<Normalizer>> read_charsmap(const Json& value) {
  const std::string* map = string_member(value, "precompiled_charsmap");
  if (map == nullptr) {
    return fail(ErrorCode::kMalformedTokenizer, "A Precompiled has no character map.",
                "precompiled_charsmap");
  }
  HEARTH_ASSIGN(const std::string bytes, decode_base64(*map));
  HEARTH_ASSIGN(Charsmap charsmap, Charsmap::make(bytes));
  return std::make_unique<Precompiled>(std::move(charsmap));
}

// One that is no sequence.
Result<std::unique_ptr<Normalizer>> read_one(const Json& value) {
  const std::string_view type = type_of(value);
  if (const auto form = find_form(type)) return std::make_unique<UnicodeForm>(*form);
  if (type == "BertNormalizer") return read_bert(value);
  if (type == "Replace") return read_replace(value);
  if (type == "Precompiled") return read_charsmap(value);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "ByteLevel") return std::make_unique<ByteLevelText>();
  if (type == "Strip") {
    HEARTH_ASSIGN(const bool left, bool_member(value, "strip_left", true));
    HEARTH_ASSIGN(const bool right, bool_member(value, "strip_right", true));
    return std::make_unique<Strip>(left, right);
  }
  if (type == "Prepend") {
    const std::string* text = string_member(value, "prepend");
    if (text == nullptr) {
      return fail(ErrorCode::kMalformedTokenizer, "A Prepend has no text.", "prepend");
    }
    return std::make_unique<Prepend>(*text);
  }
  return unsupported("normalizer", type);
}

Result<void> read_into(const Json& value, NormalizerChain& chain, bool& byte_level) {
  if (type_of(value) == "Sequence") {
    HEARTH_ASSIGN(const Json* steps, array_member(value, "normalizers"));
    for (const Json& step : *steps) HEARTH_TRY(read_into(step, chain, byte_level));
    return {};
  }
  HEARTH_ASSIGN(std::unique_ptr<Normalizer> step, read_one(value));
  chain.add(std::move(step));
  byte_level |= type_of(value) == "ByteLevel";
  return {};
}

}  // namespace

Result<JsonNormalizer> read_normalizer(const Json* value) {
  JsonNormalizer result;
  if (value == nullptr) return result;
  auto chain = std::make_unique<NormalizerChain>();
  HEARTH_TRY(read_into(*value, *chain, result.byte_level));
  if (!chain->empty()) result.normalizer = std::move(chain);
  return result;
}

}  // namespace hearth
