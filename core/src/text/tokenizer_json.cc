// Tokenizers from tokenizer.json, the format of https://github.com/huggingface/tokenizers: the
// tokens, and how the components fit together. Each component is read by a file of its own
// (json_components.h).
#include <algorithm>
#include <optional>
#include <utility>

#include "formats/json.h"
#include "text/byte_level.h"
#include "text/byte_token.h"
#include "text/delimiter_split.h"
#include "text/json_components.h"
#include "text/pipeline.h"
#include "text/tokenizer_config.h"

namespace hearth {
namespace {

// Ids past the number of tokens by more than this are an error: no vocabulary has larger holes, and
// memory must not follow what a single number claims.
constexpr std::uint64_t kMaxHole = 65536;

// SentencePiece's spaces are written so.
constexpr std::string_view kSpaceMark = "\u2581";

std::unexpected<Error> malformed(std::string sentence, std::string_view name) {
  return fail(ErrorCode::kMalformedTokenizer, std::move(sentence), name);
}

// How a token's text in the file becomes the bytes that it stands for.
enum class Writing : std::uint8_t { kByteLevel, kSentencePiece, kWordPiece };

// The tokens of a file, while it is read.
struct Reader {
  const JsonVocab& ids;  // the model's vocabulary
  std::vector<AddedToken> added;
  std::vector<std::string_view> texts;   // (token): as written; data() is null for a hole
  std::vector<std::uint8_t> is_added;    // (token)
  std::vector<std::uint8_t> is_special;  // (token)

  Result<void> read_added(const Json& root);
  Result<void> place_all(const JsonModel& model);
  Result<void> place(std::string_view text, TokenId id);
  Vocab make_vocab(Writing writing, std::string_view prefix) const;
  Vocab make_written() const;
  std::optional<TokenId> find(std::string_view text) const;
};

Result<void> Reader::read_added(const Json& root) {
  if (member(root, "added_tokens") == nullptr) return {};
  HEARTH_ASSIGN(const Json* list, array_member(root, "added_tokens"));
  added.reserve(list->size());
  for (const Json& entry : *list) {
    const std::string* content = string_member(entry, "content");
    const Json* number = member(entry, "id");
    const std::optional<TokenId> id = number == nullptr ? std::nullopt : read_token_id(*number);
    if (content == nullptr || !id) {
      return malformed("An added token has no content, or no id within bounds.", "added_tokens");
    }
    AddedToken token{.content = *content, .id = *id};
    HEARTH_ASSIGN(token.special, bool_member(entry, "special", false));
    HEARTH_ASSIGN(token.normalized, bool_member(entry, "normalized", false));
    HEARTH_ASSIGN(token.lstrip, bool_member(entry, "lstrip", false));
    HEARTH_ASSIGN(token.rstrip, bool_member(entry, "rstrip", false));
    HEARTH_ASSIGN(token.single_word, bool_member(entry, "single_word", false));
    added.push_back(std::move(token));
  }
  return {};
}

Result<void> Reader::place(std::string_view text, TokenId id) {
  if (texts[id].data() != nullptr && texts[id] != text) {
    return malformed(cat("Id ", id, " is that of \"", texts[id], "\" and of \"", text, "\"."),
                     text);
  }
  texts[id] = text;
  return {};
}

Result<void> Reader::place_all(const JsonModel& model) {
  TokenId last = model.last;
  std::size_t bytes = model.bytes;
  for (const AddedToken& token : added) {
    last = std::max(last, token.id);
    bytes += token.content.size();
  }
  if (last > ids.size() + added.size() + kMaxHole || bytes > kMaxVocabBytes) {
    return malformed(cat("The largest id is ", last, ", with ", ids.size() + added.size(),
                         " tokens of ", bytes, " bytes."),
                     "vocab");
  }
  texts.resize(last + std::size_t{1});
  is_added.resize(texts.size());
  is_special.resize(texts.size());
  for (const auto& [text, id] : ids) HEARTH_TRY(place(text, id));
  for (const AddedToken& token : added) {
    auto known = ids.find(token.content);
    if (known != ids.end() && known->second != token.id) {
      return malformed(cat("Added token \"", token.content, "\" has id ", token.id,
                           " and, in the vocabulary, ", known->second, "."),
                       token.content);
    }
    HEARTH_TRY(place(token.content, token.id));
    is_added[token.id] = true;
    is_special[token.id] = token.special;
  }
  return {};
}

std::string bytes_of(std::string_view text, Writing writing, std::string_view prefix) {
  std::string bytes;
  if (writing == Writing::kByteLevel) {
    if (!append_byte_level_decoded(text, bytes)) bytes = text;
    return bytes;
  }
  if (writing == Writing::kWordPiece) {
    if (!prefix.empty() && text.starts_with(prefix)) return std::string(text.substr(prefix.size()));
    return std::string(text);
  }
  if (const auto byte = byte_token(text)) return std::string(1, *byte);
  for (std::size_t at = 0; at < text.size();) {
    const bool mark = text.substr(at).starts_with(kSpaceMark);
    bytes.push_back(mark ? ' ' : text[at]);
    at += mark ? kSpaceMark.size() : 1;
  }
  return bytes;
}

Vocab Reader::make_vocab(Writing writing, std::string_view prefix) const {
  Vocab vocab;
  std::size_t bytes = 0;
  for (std::string_view text : texts) bytes += text.size();
  vocab.reserve(texts.size(), bytes);
  for (std::size_t id = 0; id < texts.size(); ++id) {
    // In the byte-level alphabet, tokenizers decodes added tokens like others.
    const bool as_written = is_added[id] != 0 && writing != Writing::kByteLevel;
    vocab.add(as_written ? std::string(texts[id]) : bytes_of(texts[id], writing, prefix),
              is_special[id] != 0);
  }
  return vocab;
}

Vocab Reader::make_written() const {
  Vocab vocab;
  // Added tokens that are looked for in normalized text are written so too.
  std::vector<std::string_view> written = texts;
  for (const AddedToken& token : added) {
    if (token.normalized) written[token.id] = token.content;
  }
  for (std::size_t id = 0; id < written.size(); ++id) vocab.add(written[id], is_special[id] != 0);
  return vocab;
}

std::optional<TokenId> Reader::find(std::string_view text) const {
  for (const AddedToken& token : added) {
    if (token.content == text) return token.id;
  }
  auto found = ids.find(text);
  if (found == ids.end()) return std::nullopt;
  return found->second;
}

// Tokens that are looked for in normalized text are themselves normalized.
void normalize_added(const Normalizer& normalizer, std::vector<AddedToken>& added) {
  AlignedText normalized;
  for (AddedToken& token : added) {
    if (!token.normalized) continue;
    const Slice content{.text = token.content};
    normalized.start(content);
    if (normalizer.apply(content, normalized)) {
      token.content = std::string(normalized.slice().text);
    }
  }
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(std::string_view tokenizer_json,
                                                       std::string_view config_json) {
  HEARTH_ASSIGN(const Json root, parse_json(tokenizer_json, "tokenizer.json"));
  const Json* model_value = member(root, "model");
  if (model_value == nullptr || !model_value->is_object()) {
    return malformed("The document has no model.", "model");
  }
  PipelineParts parts;
  HEARTH_ASSIGN(JsonNormalizer normalizer, read_normalizer(member(root, "normalizer")));
  HEARTH_ASSIGN(JsonPreTokenizer pre, read_pre_tokenizer(member(root, "pre_tokenizer")));
  HEARTH_ASSIGN(const JsonModel model, read_model(*model_value));
  Reader reader{.ids = model.ids};
  HEARTH_TRY(reader.read_added(root));
  HEARTH_TRY(reader.place_all(model));
  HEARTH_ASSIGN(parts.post_processor,
                read_post_processor(member(root, "post_processor"), reader.texts.size()));
  HEARTH_ASSIGN(parts.decoder, read_decoder(member(root, "decoder")));

  // Bytes are faster than the alphabet that stands for them, and mean the same.
  const bool bytes = pre.bytes_last && model.takes_bytes && !normalizer.byte_level;
  if (pre.bytes_last && !bytes) pre.chain->add(std::make_unique<ByteLevelWords>());
  HEARTH_ASSIGN(parts.model, model.make(bytes));
  parts.normalizer = std::move(normalizer.normalizer);
  parts.pre_tokenizer = std::move(pre.chain);

  const auto is_byte_level = [](const DecoderStep& step) {
    return step.kind == DecoderStep::Kind::kByteLevel;
  };
  const bool byte_level =
      pre.byte_level || normalizer.byte_level || std::ranges::any_of(parts.decoder, is_byte_level);
  const Writing writing = byte_level                        ? Writing::kByteLevel
                          : model.continuing_prefix.empty() ? Writing::kSentencePiece
                                                            : Writing::kWordPiece;
  parts.vocab = reader.make_vocab(writing, model.continuing_prefix);
  HEARTH_ASSIGN(TokenizerConfig config, read_tokenizer_config(config_json));
  std::vector<TokenId> stop_ids;
  if (!config.eos_token.empty()) {
    if (const auto eos = reader.find(config.eos_token)) stop_ids.push_back(*eos);
  }
  add_named_stop_ids(parts.vocab, stop_ids);
  if (parts.normalizer != nullptr) normalize_added(*parts.normalizer, reader.added);
  // Decoding by bytes is what the single step ByteLevel does.
  if (parts.decoder.size() != 1 || !is_byte_level(parts.decoder[0])) {
    parts.written = reader.make_written();
  }
  parts.added = AddedTokens(std::move(reader.added), AddedTokens::Order::kLeftmost);

  auto tokenizer = std::make_unique<PipelineTokenizer>(std::move(parts));
  tokenizer->chat_template = std::move(config.chat_template);
  tokenizer->bos_token = std::move(config.bos_token);
  tokenizer->eos_token = std::move(config.eos_token);
  tokenizer->stop_ids = std::move(stop_ids);
  return tokenizer;
}

}  // namespace hearth
