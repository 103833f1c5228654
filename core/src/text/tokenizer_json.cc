// Tokenizers from tokenizer.json, the format of https://github.com/huggingface/tokenizers. Read
// here: BPE models at the byte level. Components that are unknown are refused by name.
#include <algorithm>
#include <optional>
#include <utility>

#include "formats/json.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/json_pretokenizer.h"
#include "text/pipeline.h"
#include "text/tokenizer_config.h"

namespace hearth {
namespace {

// Ids past the number of tokens by more than this are an error: no vocabulary has larger holes, and
// memory must not follow what a single number claims.
constexpr std::uint64_t kMaxHole = 65536;

std::unexpected<Error> malformed(std::string sentence, std::string_view name) {
  return fail(ErrorCode::kMalformedTokenizer, std::move(sentence), name);
}

std::optional<TokenId> id_of(const Json& value) {
  const auto* id = value.get_ptr<const Json::number_unsigned_t*>();
  if (id == nullptr || *id >= kMaxVocabSize) return std::nullopt;
  return static_cast<TokenId>(*id);
}

// The tokens of a file, while it is read.
struct Reader {
  BpeParts bpe;  // ids: the model's vocabulary
  std::vector<AddedToken> added;
  std::vector<std::string_view> texts;   // (token): as written; data() is null for a hole
  std::vector<std::uint8_t> is_added;    // (token)
  std::vector<std::uint8_t> is_special;  // (token)

  Result<void> read_added(const Json& root);
  Result<void> read_vocab(const Json& model);
  Result<void> read_merges(const Json& model);
  Result<void> read_options(const Json& model);
  Result<void> place(std::string_view text, TokenId id);
  Vocab make_vocab() const;
  std::optional<TokenId> find(std::string_view text) const;
};

Result<void> Reader::read_added(const Json& root) {
  if (member(root, "added_tokens") == nullptr) return {};
  HEARTH_ASSIGN(const Json* list, array_member(root, "added_tokens"));
  added.reserve(list->size());
  for (const Json& entry : *list) {
    const std::string* content = string_member(entry, "content");
    const Json* number = member(entry, "id");
    const std::optional<TokenId> id = number == nullptr ? std::nullopt : id_of(*number);
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

Result<void> Reader::read_vocab(const Json& model) {
  const Json* vocab = member(model, "vocab");
  if (vocab == nullptr || !vocab->is_object() || vocab->empty()) {
    return malformed("The model has no vocabulary.", "vocab");
  }
  bpe.ids.reserve(vocab->size());
  TokenId last = 0;
  std::size_t bytes = 0;
  for (auto entry = vocab->begin(); entry != vocab->end(); ++entry) {
    const std::optional<TokenId> id = id_of(entry.value());
    if (!id) {
      return malformed(cat("The id of token \"", entry.key(), "\" is no number within bounds."),
                       entry.key());
    }
    bpe.ids.emplace(entry.key(), *id);
    last = std::max(last, *id);
    bytes += entry.key().size();
  }
  for (const AddedToken& token : added) {
    last = std::max(last, token.id);
    bytes += token.content.size();
  }
  if (last > vocab->size() + added.size() + kMaxHole || bytes > kMaxVocabBytes) {
    return malformed(cat("The largest id is ", last, ", with ", vocab->size() + added.size(),
                         " tokens of ", bytes, " bytes."),
                     "vocab");
  }
  texts.resize(last + std::size_t{1});
  is_added.resize(texts.size());
  is_special.resize(texts.size());
  for (const auto& [text, id] : bpe.ids) HEARTH_TRY(place(text, id));
  for (const AddedToken& token : added) {
    auto known = bpe.ids.find(token.content);
    if (known != bpe.ids.end() && known->second != token.id) {
      return malformed(cat("Added token \"", token.content, "\" has id ", token.id,
                           " and, in the "
                           "vocabulary, ",
                           known->second, "."),
                       token.content);
    }
    HEARTH_TRY(place(token.content, token.id));
    is_added[token.id] = true;
    is_special[token.id] = token.special;
  }
  return {};
}

Result<void> Reader::read_merges(const Json& model) {
  HEARTH_ASSIGN(const Json* merges, array_member(model, "merges"));
  bpe.merges.reserve(merges->size());
  for (const Json& merge : *merges) {
    // Older files write "a b", newer ones ["a", "b"].
    if (const auto* text = merge.get_ptr<const std::string*>()) {
      const std::string_view view = *text;
      if (view.starts_with("#version")) continue;
      const std::size_t space = view.find(' ');
      if (space == std::string_view::npos || view.find(' ', space + 1) != std::string_view::npos) {
        return malformed(
            cat("The merge \"", view, "\" is not two tokens and a space between them."), view);
      }
      bpe.merges.emplace_back(view.substr(0, space), view.substr(space + 1));
      continue;
    }
    if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) {
      return malformed(cat("Merge ", bpe.merges.size(), " is not two tokens."), "merges");
    }
    bpe.merges.emplace_back(*merge[0].get_ptr<const std::string*>(),
                            *merge[1].get_ptr<const std::string*>());
  }
  return {};
}

Result<void> Reader::read_options(const Json& model) {
  const Json* dropout = member(model, "dropout");
  if (dropout != nullptr && *dropout != 0) return unsupported("option of BPE", "dropout");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json* affix = member(model, key);
    if (affix != nullptr && *affix != "") return unsupported("option of BPE", key);
  }
  // Words are at the byte level already. A byte that is no token would fall back to "<0x..>".
  HEARTH_ASSIGN(const bool byte_fallback, bool_member(model, "byte_fallback", false));
  if (byte_fallback) return unsupported("option of BPE", "byte_fallback");
  HEARTH_ASSIGN(bpe.whole_words, bool_member(model, "ignore_merges", false));
  HEARTH_ASSIGN(const bool fuse, bool_member(model, "fuse_unk", false));
  if (member(model, "unk_token") != nullptr) {
    const std::string* text = string_member(model, "unk_token");
    auto found = text == nullptr ? bpe.ids.end() : bpe.ids.find(*text);
    if (found == bpe.ids.end()) {
      return malformed("The unknown token is not in the vocabulary.", "unk_token");
    }
    bpe.unknown = found->second;
    bpe.missing = fuse ? BpeParts::Missing::kUnknownRun : BpeParts::Missing::kUnknown;
  }
  return {};
}

Vocab Reader::make_vocab() const {
  Vocab vocab;
  std::size_t bytes = 0;
  for (std::string_view text : texts) bytes += text.size();
  vocab.reserve(texts.size(), bytes);
  std::string decoded;
  for (std::size_t id = 0; id < texts.size(); ++id) {
    decoded.clear();
    if (is_added[id] || !append_byte_level_decoded(texts[id], decoded)) decoded = texts[id];
    vocab.add(decoded, is_special[id] != 0);
  }
  return vocab;
}

std::optional<TokenId> Reader::find(std::string_view text) const {
  for (const AddedToken& token : added) {
    if (token.content == text) return token.id;
  }
  auto found = bpe.ids.find(text);
  if (found == bpe.ids.end()) return std::nullopt;
  return found->second;
}

// What TemplateProcessing puts around a single text.
Result<void> read_template(const Json& value, std::size_t vocab_size, PipelineParts& parts) {
  HEARTH_ASSIGN(const Json* pieces, array_member(value, "single"));
  using Kind = PostProcessor::Piece::Kind;
  std::vector<PostProcessor::Piece> pieces_out;
  bool past_text = false;
  for (const Json& piece : *pieces) {
    if (const Json* sequence = member(piece, "Sequence")) {
      const std::string* id = string_member(*sequence, "id");
      if (id == nullptr || *id != "A" || past_text) {
        return unsupported("template", "single with other than one sequence A");
      }
      past_text = true;
      pieces_out.push_back({.kind = Kind::kFirst});
      continue;
    }
    const Json* token = member(piece, "SpecialToken");
    const std::string* name = token == nullptr ? nullptr : string_member(*token, "id");
    if (name == nullptr)
      return malformed("A template's piece is neither token nor text.", "single");
    const Json* tokens = member(value, "special_tokens");
    const Json* entry = tokens == nullptr ? nullptr : member(*tokens, name->c_str());
    const Json* ids = entry == nullptr ? nullptr : member(*entry, "ids");
    if (ids == nullptr || !ids->is_array()) {
      return malformed(cat("The template's token \"", *name, "\" has no ids."), *name);
    }
    for (const Json& number : *ids) {
      const std::optional<TokenId> id = id_of(number);
      if (!id || *id >= vocab_size) {
        return malformed(cat("The template's token \"", *name, "\" has an id of no token."), *name);
      }
      pieces_out.push_back({.kind = Kind::kToken, .id = *id});
    }
  }
  if (!past_text) return unsupported("template", "single with other than one sequence A");
  parts.post_processor.set_single(std::move(pieces_out));
  return {};
}

Result<void> read_post_processor(const Json& value, std::size_t vocab_size, bool& seen_template,
                                 PipelineParts& parts) {
  const std::string_view type = type_of(value);
  if (type == "Sequence") {
    HEARTH_ASSIGN(const Json* steps, array_member(value, "processors"));
    for (const Json& step : *steps) {
      HEARTH_TRY(read_post_processor(step, vocab_size, seen_template, parts));
    }
    return {};
  }
  // It only moves offsets, which are not kept here.
  if (type == "ByteLevel") return {};
  if (type != "TemplateProcessing") return unsupported("post-processor", type);
  if (seen_template) return unsupported("post-processor", "a second TemplateProcessing");
  seen_template = true;
  return read_template(value, vocab_size, parts);
}

// Errors unless the component is absent or a (sequence of) `allowed`.
Result<void> only(const Json* value, std::string_view kind, const char* list,
                  std::string_view allowed) {
  if (value == nullptr) return {};
  const std::string_view type = type_of(*value);
  if (type == "Sequence") {
    HEARTH_ASSIGN(const Json* steps, array_member(*value, list));
    for (const Json& step : *steps) HEARTH_TRY(only(&step, kind, list, allowed));
    return {};
  }
  if (type.empty() || type != allowed) return unsupported(kind, type);
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(std::string_view tokenizer_json,
                                                       std::string_view config_json) {
  HEARTH_ASSIGN(const Json root, parse_json(tokenizer_json, "tokenizer.json"));
  const Json* model = member(root, "model");
  if (model == nullptr || !model->is_object()) {
    return malformed("The document has no model.", "model");
  }
  // Files from before the type was written are told by what they hold.
  const bool untyped_bpe = type_of(*model).empty() && member(*model, "merges") != nullptr;
  if (type_of(*model) != "BPE" && !untyped_bpe) return unsupported("model", type_of(*model));
  HEARTH_TRY(only(member(root, "normalizer"), "normalizer", "normalizers", ""));
  HEARTH_TRY(only(member(root, "decoder"), "decoder", "decoders", "ByteLevel"));

  PipelineParts parts;
  HEARTH_ASSIGN(parts.pre_tokenizer, make_json_pre_tokenizer(member(root, "pre_tokenizer")));
  Reader reader;
  HEARTH_TRY(reader.read_added(root));
  HEARTH_TRY(reader.read_vocab(*model));
  HEARTH_TRY(reader.read_merges(*model));
  HEARTH_TRY(reader.read_options(*model));
  if (const Json* processor = member(root, "post_processor")) {
    bool seen_template = false;
    HEARTH_TRY(read_post_processor(*processor, reader.texts.size(), seen_template, parts));
  }
  HEARTH_ASSIGN(parts.model, BpeModel::make(reader.bpe));
  parts.vocab = reader.make_vocab();

  HEARTH_ASSIGN(TokenizerConfig config, read_tokenizer_config(config_json));
  std::vector<TokenId> stop_ids;
  if (!config.eos_token.empty()) {
    if (const auto eos = reader.find(config.eos_token)) stop_ids.push_back(*eos);
  }
  add_named_stop_ids(parts.vocab, stop_ids);
  parts.added = AddedTokens(std::move(reader.added), AddedTokens::Order::kLeftmost);

  auto tokenizer = std::make_unique<PipelineTokenizer>(std::move(parts));
  tokenizer->chat_template = std::move(config.chat_template);
  tokenizer->bos_token = std::move(config.bos_token);
  tokenizer->eos_token = std::move(config.eos_token);
  tokenizer->stop_ids = std::move(stop_ids);
  return tokenizer;
}

}  // namespace hearth
