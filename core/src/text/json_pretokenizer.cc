// Pre-tokenizers of tokenizer.json: see json_components.h.
#include "text/delimiter_split.h"
#include "text/json_components.h"
#include "text/split.h"
#include "text/word_patterns.h"

namespace hearth {
namespace {

struct Builder {
  PreTokenizerChain& chain;
  bool byte_level = false;
  bool bytes_last = false;  // the last step's alphabet is not yet written

  void add(WordPattern pattern) { chain.add(std::make_unique<PatternSplit>(pattern)); }
  void add(CharacterSplit::Delimiter delimiter, SplitBehavior behavior) {
    chain.add(std::make_unique<CharacterSplit>(delimiter, behavior));
  }

  Result<void> add_byte_level(const Json& value) {
    HEARTH_ASSIGN(const bool prefix, bool_member(value, "add_prefix_space", true));
    HEARTH_ASSIGN(const bool regex, bool_member(value, "use_regex", true));
    if (prefix) chain.add(std::make_unique<SpacePrefix>());
    if (regex) add(gpt2_word);
    byte_level = bytes_last = true;
    return {};
  }

  static Result<SplitBehavior> behavior_of(const Json& value, std::string_view absent) {
    const std::string* name = string_member(value, "behavior");
    const std::string_view wanted = name == nullptr ? absent : std::string_view(*name);
    const auto behavior = split_behavior(wanted);
    if (!behavior) return unsupported("behavior of a split", wanted);
    return *behavior;
  }

  Result<void> add_split(const Json& value) {
    const Json* pattern = member(value, "pattern");
    HEARTH_ASSIGN(const bool invert, bool_member(value, "invert", false));
    HEARTH_ASSIGN(const SplitBehavior behavior, behavior_of(value, ""));
    if (pattern != nullptr) {
      if (const std::string* text = string_member(*pattern, "String")) {
        chain.add(std::make_unique<TextSplit>(*text, behavior, invert));
        return {};
      }
    }
    const std::string* regex = pattern == nullptr ? nullptr : string_member(*pattern, "Regex");
    if (regex == nullptr) {
      return fail(ErrorCode::kMalformedTokenizer, "A Split has no pattern.", "pattern");
    }
    // Isolated is the same inverted; and what covers every text leaves nothing that Removed,
    // inverted, removes.
    const KnownPattern known = find_known_pattern(*regex);
    if (known.scan != nullptr &&
        (behavior == SplitBehavior::kIsolated ||
         (behavior == SplitBehavior::kRemoved && invert && known.covers))) {
      add(known.scan);
      return {};
    }
    HEARTH_ASSIGN(Regex compiled, Regex::compile(*regex));
    chain.add(std::make_unique<RegexSplit>(std::move(compiled), behavior, invert));
    return {};
  }

  // Newer files say where the mark is put, older ones whether.
  Result<void> add_metaspace(const Json& value) {
    HEARTH_ASSIGN(const std::string mark, character_member(value, "replacement", "\u2581"));
    HEARTH_ASSIGN(const bool old_prefix, bool_member(value, "add_prefix_space", true));
    HEARTH_ASSIGN(const bool split, bool_member(value, "split", true));
    const std::string* scheme = string_member(value, "prepend_scheme");
    auto prepend = old_prefix ? Metaspace::Prepend::kAlways : Metaspace::Prepend::kNever;
    if (scheme != nullptr) {
      if (*scheme == "always") {
        prepend = Metaspace::Prepend::kAlways;
      } else if (*scheme == "first") {
        prepend = Metaspace::Prepend::kFirst;
      } else if (*scheme == "never") {
        prepend = Metaspace::Prepend::kNever;
      } else {
        return unsupported("prepend_scheme", *scheme);
      }
    }
    chain.add(std::make_unique<Metaspace>(mark, prepend, split));
    return {};
  }

  Result<void> add_fixed_length(const Json& value) {
    const Json* length = member(value, "length");
    const auto count = length == nullptr ? std::nullopt : read_token_id(*length);
    if (!count || *count == 0) {
      return fail(ErrorCode::kMalformedTokenizer, "A FixedLength has no length.", "length");
    }
    chain.add(std::make_unique<FixedLength>(*count));
    return {};
  }

  Result<void> any(const Json& value) {
    const std::string_view type = type_of(value);
    if (type == "Sequence") {
      HEARTH_ASSIGN(const Json* steps, array_member(value, "pretokenizers"));
      for (const Json& step : *steps) HEARTH_TRY(any(step));
      return {};
    }
    if (bytes_last) {
      chain.add(std::make_unique<ByteLevelWords>());
      bytes_last = false;
    }
    if (type == "ByteLevel") return add_byte_level(value);
    if (type == "Split") return add_split(value);
    if (type == "Metaspace") return add_metaspace(value);
    if (type == "FixedLength") return add_fixed_length(value);
    if (type == "Digits") {
      HEARTH_ASSIGN(const bool individual, bool_member(value, "individual_digits", false));
      add(individual ? one_number : number_run);
    } else if (type == "Punctuation") {
      HEARTH_ASSIGN(const SplitBehavior behavior, behavior_of(value, "Isolated"));
      add(is_punctuation_delimiter, behavior);
    } else if (type == "WhitespaceSplit") {
      add(is_space_delimiter, SplitBehavior::kRemoved);
    } else if (type == "BertPreTokenizer") {
      add(is_space_delimiter, SplitBehavior::kRemoved);
      add(is_punctuation_delimiter, SplitBehavior::kIsolated);
    } else if (type == "Whitespace") {
      chain.add(std::make_unique<WhitespaceWords>());
    } else if (type == "CharDelimiterSplit") {
      HEARTH_ASSIGN(const std::string delimiter, character_member(value, "delimiter", ""));
      chain.add(std::make_unique<TextSplit>(delimiter, SplitBehavior::kRemoved, false));
    } else {
      return unsupported("pre-tokenizer", type);
    }
    return {};
  }
};

}  // namespace

Result<JsonPreTokenizer> read_pre_tokenizer(const Json* value) {
  JsonPreTokenizer result{.chain = std::make_unique<PreTokenizerChain>()};
  Builder builder{*result.chain};
  if (value != nullptr) HEARTH_TRY(builder.any(*value));
  result.byte_level = builder.byte_level;
  result.bytes_last = builder.bytes_last;
  return result;
}

}  // namespace hearth
