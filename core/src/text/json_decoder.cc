// Decoders and post-processors of tokenizer.json: see json_components.h.
#include "text/json_components.h"
#include "text/utf8.h"

namespace hearth {
namespace {

using Kind = DecoderStep::Kind;
using Piece = PostProcessor::Piece;

Result<std::string> text_member(const Json& value, const char* key) {
  const std::string* text = string_member(value, key);
  if (text == nullptr) {
    return fail(ErrorCode::kMalformedTokenizer, cat("\"", key, "\" is missing or no text."), key);
  }
  return *text;
}

Result<std::size_t> count_member(const Json& value, const char* key) {
  const Json* found = member(value, key);
  const auto count = found == nullptr ? std::optional<TokenId>(0) : read_token_id(*found);
  if (!count) {
    return fail(ErrorCode::kMalformedTokenizer, cat("\"", key, "\" is no count."), key);
  }
  return *count;
}

Result<DecoderStep> read_replace(const Json& value) {
  const Json* pattern = member(value, "pattern");
  DecoderStep step{.kind = Kind::kReplace};
  if (pattern == nullptr) {
    return fail(ErrorCode::kMalformedTokenizer, "A Replace has no pattern.", "pattern");
  }
  HEARTH_ASSIGN(step.content, text_member(value, "content"));
  if (const std::string* regex = string_member(*pattern, "Regex")) {
    step.kind = Kind::kReplaceRegex;
    HEARTH_ASSIGN(step.regex, Regex::compile(*regex));
    return step;
  }
  HEARTH_ASSIGN(step.text, text_member(*pattern, "String"));
  return step;
}

Result<DecoderStep> read_step(const Json& value) {
  const std::string_view type = type_of(value);
  DecoderStep step;
  if (type == "ByteLevel") {
    step.kind = Kind::kByteLevel;
  } else if (type == "ByteFallback") {
    step.kind = Kind::kByteFallback;
  } else if (type == "Fuse") {
    step.kind = Kind::kFuse;
  } else if (type == "Replace") {
    return read_replace(value);
  } else if (type == "Strip") {
    step.kind = Kind::kStrip;
    HEARTH_ASSIGN(step.text, character_member(value, "content", ""));
    HEARTH_ASSIGN(step.start, count_member(value, "start"));
    HEARTH_ASSIGN(step.stop, count_member(value, "stop"));
  } else if (type == "Metaspace") {
    step.kind = Kind::kMetaspace;
    HEARTH_ASSIGN(step.text, character_member(value, "replacement", "\u2581"));
    HEARTH_ASSIGN(step.flag, bool_member(value, "add_prefix_space", true));
    if (const std::string* scheme = string_member(value, "prepend_scheme")) {
      step.flag = *scheme != "never";
    }
  } else if (type == "WordPiece") {
    step.kind = Kind::kWordPiece;
    HEARTH_ASSIGN(step.text, text_member(value, "prefix"));
    HEARTH_ASSIGN(step.flag, bool_member(value, "cleanup", true));
  } else if (type == "BPEDecoder") {
    step.kind = Kind::kBpe;
    HEARTH_ASSIGN(step.text, text_member(value, "suffix"));
  } else if (type == "CTC") {
    step.kind = Kind::kCtc;
    HEARTH_ASSIGN(step.text, text_member(value, "pad_token"));
    HEARTH_ASSIGN(step.content, text_member(value, "word_delimiter_token"));
    HEARTH_ASSIGN(step.flag, bool_member(value, "cleanup", true));
  } else {
    return unsupported("decoder", type);
  }
  return step;
}

Result<void> read_steps(const Json& value, std::vector<DecoderStep>& steps) {
  if (type_of(value) == "Sequence") {
    HEARTH_ASSIGN(const Json* list, array_member(value, "decoders"));
    for (const Json& step : *list) HEARTH_TRY(read_steps(step, steps));
    return {};
  }
  HEARTH_ASSIGN(DecoderStep step, read_step(value));
  steps.push_back(std::move(step));
  return {};
}

struct ProcessorReader {
  PostProcessor processor;
  std::size_t vocab_size;
  bool seen_template = false;

  Result<void> once(std::string_view type) {
    if (seen_template) return unsupported("post-processor", cat("a second ", type));
    seen_template = true;
    return {};
  }

  Result<TokenId> checked(const Json& number, std::string_view name) {
    const std::optional<TokenId> id = read_token_id(number);
    if (!id || *id >= vocab_size) {
      return fail(ErrorCode::kMalformedTokenizer,
                  cat("The token \"", name, "\" put around texts has an id of no token."), name);
    }
    return *id;
  }

  Result<std::uint8_t> type_id_of(const Json& piece) {
    const Json* value = member(piece, "type_id");
    const auto id = value == nullptr ? std::optional<TokenId>(0) : read_token_id(*value);
    if (!id || *id > 0xFF) {
      return fail(ErrorCode::kMalformedTokenizer, "A template's type_id is no small number.",
                  "type_id");
    }
    return static_cast<std::uint8_t>(*id);
  }

  // One side of a template: `key` is "single" or "pair".
  Result<std::vector<Piece>> read_pieces(const Json& value, const char* key) {
    HEARTH_ASSIGN(const Json* list, array_member(value, key));
    std::vector<Piece> pieces;
    int firsts = 0;
    int seconds = 0;
    for (const Json& entry : *list) {
      Piece piece;
      if (const Json* sequence = member(entry, "Sequence")) {
        const std::string* id = string_member(*sequence, "id");
        HEARTH_ASSIGN(piece.type_id, type_id_of(*sequence));
        const bool second = id != nullptr && *id == "B";
        piece.kind = second ? Piece::Kind::kSecond : Piece::Kind::kFirst;
        ++(second ? seconds : firsts);
        pieces.push_back(piece);
        continue;
      }
      const Json* token = member(entry, "SpecialToken");
      const std::string* name = token == nullptr ? nullptr : string_member(*token, "id");
      if (name == nullptr) {
        return fail(ErrorCode::kMalformedTokenizer, "A template's piece is neither token nor text.",
                    key);
      }
      HEARTH_ASSIGN(piece.type_id, type_id_of(*token));
      const Json* tokens = member(value, "special_tokens");
      const Json* known = tokens == nullptr ? nullptr : member(*tokens, name->c_str());
      const Json* ids = known == nullptr ? nullptr : member(*known, "ids");
      if (ids == nullptr || !ids->is_array()) {
        return fail(ErrorCode::kMalformedTokenizer,
                    cat("The template's token \"", *name, "\" has no ids."), *name);
      }
      for (const Json& number : *ids) {
        HEARTH_ASSIGN(piece.id, checked(number, *name));
        pieces.push_back(piece);
      }
    }
    if (firsts != 1 || seconds != (std::string_view(key) == "pair" ? 1 : 0)) {
      return unsupported("template", cat(key, " with other than each text once"));
    }
    return pieces;
  }

  Result<void> read_template(const Json& value) {
    HEARTH_TRY(once("TemplateProcessing"));
    HEARTH_ASSIGN(std::vector<Piece> single, read_pieces(value, "single"));
    processor.set_single(std::move(single));
    if (member(value, "pair") != nullptr) {
      HEARTH_ASSIGN(std::vector<Piece> pair, read_pieces(value, "pair"));
      processor.set_pair(std::move(pair));
    }
    return {};
  }

  // ["[SEP]", 102]
  Result<Piece> read_pair(const Json& value, const char* key) {
    const Json* entry = member(value, key);
    if (entry == nullptr || !entry->is_array() || entry->size() != 2) {
      return fail(ErrorCode::kMalformedTokenizer, cat("\"", key, "\" is no token and its id."),
                  key);
    }
    HEARTH_ASSIGN(const TokenId id, checked((*entry)[1], key));
    return Piece{.kind = Piece::Kind::kToken, .id = id};
  }

  // BERT: [CLS] A [SEP], and B [SEP] of type 1. RoBERTa: <s> A </s>, and </s> B </s>, all of type
  // 0.
  Result<void> read_bert(const Json& value, bool roberta) {
    HEARTH_TRY(once(roberta ? "RobertaProcessing" : "BertProcessing"));
    HEARTH_ASSIGN(const Piece sep, read_pair(value, "sep"));
    HEARTH_ASSIGN(const Piece cls, read_pair(value, "cls"));
    const Piece first{.kind = Piece::Kind::kFirst};
    Piece second{.kind = Piece::Kind::kSecond};
    Piece last = sep;
    std::vector<Piece> pair = {cls, first, sep};
    if (roberta) {
      pair.push_back(sep);
    } else {
      second.type_id = last.type_id = 1;
    }
    pair.push_back(second);
    pair.push_back(last);
    processor.set_single({cls, first, sep});
    processor.set_pair(std::move(pair));
    return roberta ? read_trim(value) : Result<void>();
  }

  Result<void> read_trim(const Json& value) {
    HEARTH_ASSIGN(const bool trim, bool_member(value, "trim_offsets", true));
    HEARTH_ASSIGN(const bool prefix, bool_member(value, "add_prefix_space", true));
    if (trim) processor.set_trim({.on = true, .keep_first = prefix});
    return {};
  }

  Result<void> any(const Json& value) {
    const std::string_view type = type_of(value);
    if (type == "Sequence") {
      HEARTH_ASSIGN(const Json* steps, array_member(value, "processors"));
      for (const Json& step : *steps) HEARTH_TRY(any(step));
      return {};
    }
    if (type == "ByteLevel") return read_trim(value);
    if (type == "TemplateProcessing") return read_template(value);
    if (type == "BertProcessing") return read_bert(value, false);
    if (type == "RobertaProcessing") return read_bert(value, true);
    return unsupported("post-processor", type);
  }
};

}  // namespace

Result<std::string> character_member(const Json& value, const char* key, std::string_view absent) {
  const std::string* found = string_member(value, key);
  const std::string_view text = found == nullptr ? absent : std::string_view(*found);
  if (text.empty() || decode_utf8(text, 0).length != text.size()) {
    return fail(ErrorCode::kMalformedTokenizer, cat("\"", key, "\" is no single character."), key);
  }
  return std::string(text);
}

Result<std::vector<DecoderStep>> read_decoder(const Json* value) {
  std::vector<DecoderStep> steps;
  if (value == nullptr) {
    steps.push_back({.kind = Kind::kJoin, .text = " "});
  } else {
    HEARTH_TRY(read_steps(*value, steps));
  }
  return steps;
}

Result<PostProcessor> read_post_processor(const Json* value, std::size_t vocab_size) {
  ProcessorReader reader{.processor = {}, .vocab_size = vocab_size};
  if (value != nullptr) HEARTH_TRY(reader.any(*value));
  return std::move(reader.processor);
}

}  // namespace hearth
