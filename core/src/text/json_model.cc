// Models of tokenizer.json: see json_components.h.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/bpe.h"
#include "text/json_components.h"
#include "text/unigram.h"
#include "text/vocab.h"
#include "text/wordpiece.h"

namespace hearth {
namespace {

using Model = Result<std::unique_ptr<TokenModel>>;

std::unexpected<Error> malformed(std::string sentence, std::string_view name) {
  return fail(ErrorCode::kMalformedTokenizer, std::move(sentence), name);
}

void add_token(JsonModel& model, std::string_view text, TokenId id) {
  // Of a text listed twice the later id counts.
  model.ids[text] = id;
  model.last = std::max(model.last, id);
  model.bytes += text.size();
}

// {"token": id, …}
Result<void> read_vocab(const Json& value, JsonModel& model) {
  const Json* vocab = member(value, "vocab");
  if (vocab == nullptr || !vocab->is_object() || vocab->empty()) {
    return malformed("The model has no vocabulary.", "vocab");
  }
  model.ids.reserve(vocab->size());
  for (auto entry = vocab->begin(); entry != vocab->end(); ++entry) {
    const std::optional<TokenId> id = read_token_id(entry.value());
    if (!id) {
      return malformed(cat("The id of token \"", entry.key(), "\" is no number within bounds."),
                       entry.key());
    }
    add_token(model, entry.key(), *id);
  }
  return {};
}

// The id of the token that `key` names: nullopt when it names none.
Result<std::optional<TokenId>> read_unknown(const Json& value, const char* key,
                                            const JsonVocab& ids) {
  if (member(value, key) == nullptr) return std::nullopt;
  const std::string* text = string_member(value, key);
  auto found = text == nullptr ? ids.end() : ids.find(*text);
  if (found == ids.end()) return malformed("The unknown token is not in the vocabulary.", key);
  return found->second;
}

Result<void> read_merges(const Json& value, BpeParts& bpe) {
  HEARTH_ASSIGN(const Json* merges, array_member(value, "merges"));
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

Result<JsonModel> read_bpe(const Json& value) {
  JsonModel model;
  HEARTH_TRY(read_vocab(value, model));
  auto bpe = std::make_shared<BpeParts>();
  HEARTH_TRY(read_merges(value, *bpe));
  const Json* dropout = member(value, "dropout");
  if (dropout != nullptr && *dropout != 0) return unsupported("option of BPE", "dropout");
  if (const std::string* prefix = string_member(value, "continuing_subword_prefix")) {
    bpe->continuing_prefix = *prefix;
  }
  if (const std::string* suffix = string_member(value, "end_of_word_suffix")) {
    bpe->word_suffix = *suffix;
  }
  HEARTH_ASSIGN(bpe->byte_fallback, bool_member(value, "byte_fallback", false));
  HEARTH_ASSIGN(bpe->whole_words, bool_member(value, "ignore_merges", false));
  HEARTH_ASSIGN(const bool fuse, bool_member(value, "fuse_unk", false));
  HEARTH_ASSIGN(const auto unknown, read_unknown(value, "unk_token", model.ids));
  if (unknown) {
    bpe->unknown = *unknown;
    bpe->missing = fuse ? BpeParts::Missing::kUnknownRun : BpeParts::Missing::kUnknown;
  }
  // Bytes have no first and last in a word, and nothing to fall back to.
  model.takes_bytes =
      bpe->continuing_prefix.empty() && bpe->word_suffix.empty() && !bpe->byte_fallback;
  model.make = [bpe, ids = &value](bool bytes) -> Model {
    bpe->alphabet = bytes ? BpeParts::Alphabet::kBytes : BpeParts::Alphabet::kCharacters;
    JsonModel again;
    HEARTH_TRY(read_vocab(*ids, again));
    bpe->ids = std::move(again.ids);
    return BpeModel::make(*bpe);
  };
  return model;
}

// A number as the reference reads it. Its JSON reader (serde_json, as built there) takes the digits
// as a whole number and divides by a power of ten, which is off by the last bit for one number in
// seven; and that bit decides between ways to cut a word that score the same but for rounding.
double read_as_reference(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, std::abs(value));
  std::uint64_t digits = 0;
  int exponent = 0;
  bool fraction = false;
  const char* at = text;
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
    exponent -= fraction ? 1 : 0;
  }
  if (at != end) {
    int stated = 0;
    const char* from = at + 1 + (at[1] == '+' ? 1 : 0);
    std::from_chars(from, end, stated);
    exponent += stated;
  }
  // Powers past this are infinite; no score is so small or large.
  if (std::abs(exponent) > 300) return value;
  const double power = std::pow(10.0, std::abs(exponent));
  const double read =
      exponent < 0 ? static_cast<double>(digits) / power : static_cast<double>(digits) * power;
  return std::signbit(value) ? -read : read;
}

// [["token", score], …]: the place in the list is the id.
Result<JsonModel> read_unigram(const Json& value) {
  JsonModel model;
  HEARTH_ASSIGN(const Json* vocab, array_member(value, "vocab"));
  if (vocab->empty() || vocab->size() > kMaxVocabSize) {
    return malformed(cat("A vocabulary of ", vocab->size(), " tokens is none."), "vocab");
  }
  auto parts = std::make_shared<UnigramParts>();
  for (const Json& entry : *vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      return malformed(cat("Entry ", parts->tokens.size(), " is not a token and its score."),
                       "vocab");
    }
    const double score = entry[1].get<double>();
    if (!std::isfinite(score)) return malformed("A token's score is no number.", "vocab");
    const std::string& text = *entry[0].get_ptr<const std::string*>();
    add_token(model, text, static_cast<TokenId>(parts->tokens.size()));
    parts->tokens.push_back(text);
    parts->scores.push_back(read_as_reference(score));
  }
  if (const Json* unknown = member(value, "unk_id")) {
    parts->unknown = read_token_id(*unknown);
    if (!parts->unknown || *parts->unknown >= parts->tokens.size()) {
      return malformed("The unknown token is not in the vocabulary.", "unk_id");
    }
  }
  HEARTH_ASSIGN(parts->byte_fallback, bool_member(value, "byte_fallback", false));
  model.make = [parts](bool) -> Model { return std::make_unique<UnigramModel>(*parts); };
  return model;
}

Result<JsonModel> read_wordpiece(const Json& value) {
  JsonModel model;
  HEARTH_TRY(read_vocab(value, model));
  auto parts = std::make_shared<WordPieceParts>();
  if (const std::string* prefix = string_member(value, "continuing_subword_prefix")) {
    parts->continuing_prefix = *prefix;
  }
  if (const Json* most = member(value, "max_input_chars_per_word")) {
    const std::optional<TokenId> count = read_token_id(*most);
    if (!count) return malformed("The longest word's length is none.", "max_input_chars_per_word");
    parts->max_characters = *count;
  }
  HEARTH_ASSIGN(const auto unknown, read_unknown(value, "unk_token", model.ids));
  if (!unknown) return malformed("A WordPiece has no unknown token.", "unk_token");
  parts->unknown = *unknown;
  parts->ids = model.ids;
  model.continuing_prefix = parts->continuing_prefix;
  model.make = [parts](bool) -> Model { return std::make_unique<WordPieceModel>(*parts); };
  return model;
}

Result<JsonModel> read_word_level(const Json& value) {
  JsonModel model;
  HEARTH_TRY(read_vocab(value, model));
  std::optional<TokenId> unknown;
  if (const std::string* text = string_member(value, "unk_token")) {
    if (auto found = model.ids.find(*text); found != model.ids.end()) unknown = found->second;
  }
  model.make = [ids = model.ids, unknown](bool) -> Model {
    return std::make_unique<WordLevelModel>(ids, unknown);
  };
  return model;
}

}  // namespace

std::optional<TokenId> read_token_id(const Json& value) {
  const auto* id = value.get_ptr<const Json::number_unsigned_t*>();
  if (id == nullptr || *id >= kMaxVocabSize) return std::nullopt;
  return static_cast<TokenId>(*id);
}

Result<JsonModel> read_model(const Json& value) {
  std::string_view type = type_of(value);
  // Files from before the type was written are told by what they hold.
  if (type.empty()) {
    const Json* vocab = member(value, "vocab");
    if (member(value, "merges") != nullptr) {
      type = "BPE";
    } else if (vocab != nullptr && vocab->is_array()) {
      type = "Unigram";
    } else if (member(value, "continuing_subword_prefix") != nullptr) {
      type = "WordPiece";
    }
  }
  if (type == "BPE") return read_bpe(value);
  if (type == "Unigram") return read_unigram(value);
  if (type == "WordPiece") return read_wordpiece(value);
  if (type == "WordLevel") return read_word_level(value);
  return unsupported("model", type);
}

}  // namespace hearth
