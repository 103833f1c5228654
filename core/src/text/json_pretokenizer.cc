// Reading pre-tokenizers: see json_pretokenizer.h. What is not known is refused by name, because a
// tokenizer that is only nearly right spoils a model silently.
#include "text/json_pretokenizer.h"

#include "text/split.h"
#include "text/word_patterns.h"

namespace hearth {
namespace {

struct Builder {
  PreTokenizerChain& chain;
  bool in_alphabet = false;  // past ByteLevel, later steps would see its alphabet

  void add(WordPattern pattern) { chain.add(std::make_unique<PatternSplit>(pattern)); }

  Result<void> byte_level(const Json& value) {
    HEARTH_ASSIGN(const bool prefix, bool_member(value, "add_prefix_space", true));
    HEARTH_ASSIGN(const bool regex, bool_member(value, "use_regex", true));
    if (prefix) chain.add(std::make_unique<SpacePrefix>());
    if (regex) add(gpt2_word);
    in_alphabet = true;
    return {};
  }

  Result<void> split(const Json& value) {
    const Json* pattern = member(value, "pattern");
    const std::string* regex = pattern == nullptr ? nullptr : string_member(*pattern, "Regex");
    if (regex == nullptr) {
      if (pattern != nullptr && string_member(*pattern, "String") != nullptr) {
        return unsupported("pre-tokenizer", "Split by a string");
      }
      return fail(ErrorCode::kMalformedTokenizer, "A Split has no pattern.", "pattern");
    }
    HEARTH_ASSIGN(const bool invert, bool_member(value, "invert", false));
    const std::string* name = string_member(value, "behavior");
    if (name == nullptr) {
      return fail(ErrorCode::kMalformedTokenizer, "A Split has no behavior.", "behavior");
    }
    const std::optional<SplitBehavior> behavior = split_behavior(*name);
    if (!behavior) return unsupported("behavior of a Split", *name);
    // Isolated is the same inverted; and what covers every text leaves nothing that Removed,
    // inverted, removes.
    const KnownPattern known = find_known_pattern(*regex);
    if (known.scan != nullptr &&
        (*behavior == SplitBehavior::kIsolated ||
         (*behavior == SplitBehavior::kRemoved && invert && known.covers))) {
      add(known.scan);
      return {};
    }
    HEARTH_ASSIGN(Regex compiled, Regex::compile(*regex));
    chain.add(std::make_unique<RegexSplit>(std::move(compiled), *behavior, invert));
    return {};
  }

  Result<void> any(const Json& value) {
    const std::string_view type = type_of(value);
    if (type == "Sequence") {
      HEARTH_ASSIGN(const Json* steps, array_member(value, "pretokenizers"));
      for (const Json& step : *steps) HEARTH_TRY(any(step));
      return {};
    }
    if (in_alphabet) return unsupported("pre-tokenizer after ByteLevel", type);
    if (type == "ByteLevel") return byte_level(value);
    if (type == "Split") return split(value);
    if (type == "Digits") {
      HEARTH_ASSIGN(const bool individual, bool_member(value, "individual_digits", false));
      add(individual ? one_number : number_run);
      return {};
    }
    return unsupported("pre-tokenizer", type);
  }
};

}  // namespace

Result<std::unique_ptr<PreTokenizer>> make_json_pre_tokenizer(const Json* value) {
  auto chain = std::make_unique<PreTokenizerChain>();
  Builder builder{*chain};
  if (value != nullptr) HEARTH_TRY(builder.any(*value));
  // Without it the vocabulary is of characters, which is another model.
  if (!builder.in_alphabet) return unsupported("pre-tokenizer", "none of ByteLevel");
  return chain;
}

}  // namespace hearth
