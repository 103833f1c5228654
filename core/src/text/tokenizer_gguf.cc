// Tokenizers from GGUF metadata (tokenizer.ggml.*). Keys and token types:
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer; which pre-tokenizer a value
// of tokenizer.ggml.pre names is llama.cpp's choice (src/llama-vocab.cpp), and ids must equal its
// ids.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>

#include "base/cat.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/byte_token.h"
#include "text/pipeline.h"
#include "text/word_patterns.h"

namespace hearth {
namespace {

enum TokenType : std::int64_t {
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kByte = 6,
};

constexpr std::string_view kTokensKey = "tokenizer.ggml.tokens";
constexpr std::string_view kTypesKey = "tokenizer.ggml.token_type";
constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";

// What a value of tokenizer.ggml.pre stands for.
struct Pre {
  std::string_view name;
  std::initializer_list<WordPattern> steps;
  bool whole_words = false;
  bool add_bos = false;  // unless the file says otherwise
};

constexpr std::initializer_list<WordPattern> kGpt2 = {gpt2_word};
constexpr std::initializer_list<WordPattern> kDigitsGpt2 = {one_number, gpt2_word};
constexpr std::initializer_list<WordPattern> kLlama3 = {llama3_word_ascii_case};
constexpr std::initializer_list<WordPattern> kQwen2 = {qwen2_word_ascii_case};
constexpr std::initializer_list<WordPattern> kDefault = {punctuation_run, gpt2_word, number_run,
                                                         three_digits};
constexpr std::initializer_list<WordPattern> kFalcon = {punctuation_run_backtick, gpt2_word,
                                                        three_digits};

constexpr Pre kPres[] = {
    {"default", kDefault},
    {"falcon", kFalcon},
    {"gpt-2", kGpt2},
    {"gpt2", kGpt2},
    {"phi-2", kGpt2},
    {"jina-es", kGpt2},
    {"jina-de", kGpt2},
    {"jina-v2-es", kGpt2},
    {"jina-v2-de", kGpt2},
    {"gigachat", kGpt2},
    {"mpt", kGpt2},
    {"olmo", kGpt2},
    {"jais", kGpt2},
    {"trillion", kGpt2},
    {"granite-docling", kGpt2},
    {"exaone4", kGpt2},
    {"mellum", kGpt2},
    {"smollm", kDigitsGpt2},
    {"starcoder", kDigitsGpt2},
    {"refact", kDigitsGpt2},
    {"command-r", kDigitsGpt2},
    {"codeshell", kDigitsGpt2},
    {"exaone", kDigitsGpt2},
    {"minerva-7b", kDigitsGpt2},
    {"llama3", kLlama3, true, true},
    {"llama-v3", kLlama3, true, true},
    {"llama-bpe", kLlama3, true, true},
    {"falcon3", kLlama3, true, true},
    {"falcon-h1", kLlama3, true, true},
    {"pixtral", kLlama3, true, true},
    {"midm-2.0", kLlama3, true, true},
    {"lfm2", kLlama3, true, true},
    {"dbrx", kLlama3},
    {"smaug-bpe", kLlama3},
    {"glm4", kLlama3},
    {"chatglm-bpe", kLlama3},
    {"qwen2", kQwen2},
    {"deepseek-r1-qwen", kQwen2},
    {"kormo", kQwen2},
    {"megrez", kQwen2},
    {"stablelm2", kQwen2},
    {"hunyuan", kQwen2},
};

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const Pre& pre) {
  auto chain = std::make_unique<PreTokenizerChain>();
  for (WordPattern step : pre.steps) chain->add(std::make_unique<PatternSplit>(step));
  return chain;
}

struct Tokens {
  Vocab vocab;
  std::vector<AddedToken> added;
  BpeParts bpe;
};

// SentencePiece's spaces are written so.
constexpr std::string_view kSpaceMark = "\u2581";

std::string with_spaces(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool mark = text.substr(at).starts_with(kSpaceMark);
    out.push_back(mark ? ' ' : text[at]);
    at += mark ? kSpaceMark.size() : 1;
  }
  return out;
}

Result<Tokens> read_tokens(const GgufHeader& header, BpeParts::Alphabet alphabet) {
  const bool bytes_alphabet = alphabet == BpeParts::Alphabet::kBytes;
  const std::vector<std::string>* texts = header.string_array(kTokensKey);
  if (texts == nullptr) {
    return fail(ErrorCode::kMissingMetadata, "The file has no list of tokens.", kTokensKey);
  }
  std::size_t bytes = 0;
  for (const std::string& text : *texts) bytes += text.size();
  if (texts->empty() || texts->size() > kMaxVocabSize || bytes > kMaxVocabBytes) {
    return fail(ErrorCode::kMalformedTokenizer,
                cat("A vocabulary of ", texts->size(), " tokens in ", bytes, " bytes is none."),
                kTokensKey);
  }
  const std::optional<std::vector<std::int64_t>> types = header.integer_array(kTypesKey);
  if (types && types->size() != texts->size()) {
    return fail(ErrorCode::kMalformedTokenizer,
                cat("There are ", texts->size(), " tokens and ", types->size(), " token types."),
                kTypesKey);
  }
  if (!types && header.find(kTypesKey) != nullptr) {
    return fail(ErrorCode::kMalformedTokenizer, "The token types are no integers.", kTypesKey);
  }

  Tokens tokens;
  tokens.vocab.reserve(texts->size(), bytes);
  tokens.bpe.alphabet = alphabet;
  tokens.bpe.ids.reserve(texts->size());
  std::string decoded;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    const std::string& text = (*texts)[i];
    const auto id = static_cast<TokenId>(i);
    const std::int64_t type = types ? (*types)[i] : 1;
    // Empty tokens are padding of the vocabulary, and may be many.
    if (!text.empty() && !tokens.bpe.ids.emplace(text, id).second && bytes_alphabet) {
      return fail(ErrorCode::kMalformedTokenizer,
                  cat("Tokens ", tokens.bpe.ids.at(text), " and ", id, " have the same text."),
                  text);
    }
    const bool special = type == kControl || type == kUnknown;
    if (special || type == kUserDefined) {
      tokens.vocab.add(text, special);
      tokens.added.push_back({.content = text, .id = id, .special = special});
      continue;
    }
    decoded.clear();
    if (auto byte = type == kByte ? byte_token(text) : std::nullopt) {
      decoded.push_back(*byte);
    } else if (!bytes_alphabet) {
      decoded = with_spaces(text);
    } else if (!append_byte_level_decoded(text, decoded)) {
      decoded = text;
    }
    tokens.vocab.add(decoded, false);
  }
  return tokens;
}

Result<void> read_merges(const GgufHeader& header, BpeParts& bpe) {
  const std::vector<std::string>* merges = header.string_array(kMergesKey);
  if (merges == nullptr) {
    return fail(ErrorCode::kMissingMetadata, "The file has no list of merges.", kMergesKey);
  }
  bpe.merges.reserve(merges->size());
  for (const std::string& merge : *merges) {
    // The first half is not empty, and may in principle start with a space.
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string::npos) {
      return fail(ErrorCode::kMalformedTokenizer,
                  cat("The merge \"", merge, "\" is not two tokens and a space between them."),
                  merge);
    }
    const std::string_view view = merge;
    bpe.merges.emplace_back(view.substr(0, space), view.substr(space + 1));
  }
  return {};
}

Result<std::vector<float>> read_scores(const GgufHeader& header, std::size_t tokens) {
  constexpr std::string_view kKey = "tokenizer.ggml.scores";
  const std::optional<std::vector<double>> scores = header.float_array(kKey);
  if (!scores) return fail(ErrorCode::kMissingMetadata, "The file has no list of scores.", kKey);
  const auto odd = [](double score) { return !std::isfinite(score); };
  if (scores->size() != tokens || std::ranges::any_of(*scores, odd)) {
    return fail(ErrorCode::kMalformedTokenizer,
                cat("There are ", tokens, " tokens and ", scores->size(),
                    " scores, all of which should be numbers."),
                kKey);
  }
  return std::vector<float>(scores->begin(), scores->end());
}

// The id under the key; kNoToken when the file has none.
Result<TokenId> read_id(const GgufHeader& header, std::string_view key, const Vocab& vocab) {
  if (header.find(key) == nullptr) return kNoToken;
  const std::optional<std::uint64_t> id = header.unsigned_value(key);
  if (!id || *id >= vocab.size()) {
    return fail(ErrorCode::kMalformedTokenizer,
                cat("The value of \"", key, "\" is no id of the ", vocab.size(), " tokens."), key);
  }
  return static_cast<TokenId>(*id);
}

// What kinds of tokenizers mean when the file does not say it.
struct Defaults {
  bool add_bos = false;
  bool add_eos = false;
  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
};

constexpr std::string_view kBosKey = "tokenizer.ggml.bos_token_id";
constexpr std::string_view kEosKey = "tokenizer.ggml.eos_token_id";

Result<void> read_affix(const GgufHeader& header, std::string_view add_key, bool add_by_default,
                        std::string_view id_key, TokenId id,
                        std::vector<PostProcessor::Piece>& out) {
  if (!header.bool_value(add_key).value_or(add_by_default)) return {};
  if (id == kNoToken) {
    return fail(ErrorCode::kMissingMetadata,
                cat("Texts need a token around them, and the file has no \"", id_key, "\"."),
                id_key);
  }
  out.push_back({.kind = PostProcessor::Piece::Kind::kToken, .id = id});
  return {};
}

// Adds what all kinds have: tokens around texts, tokens that end a turn, the chat template.
Result<std::unique_ptr<Tokenizer>> finish(const GgufHeader& header, PipelineParts parts,
                                          const Defaults& defaults) {
  using Kind = PostProcessor::Piece::Kind;
  HEARTH_ASSIGN(TokenId bos, read_id(header, kBosKey, parts.vocab));
  HEARTH_ASSIGN(TokenId eos, read_id(header, kEosKey, parts.vocab));
  if (bos == kNoToken && defaults.bos < parts.vocab.size()) bos = defaults.bos;
  if (eos == kNoToken && defaults.eos < parts.vocab.size()) eos = defaults.eos;
  std::vector<PostProcessor::Piece> start;
  std::vector<PostProcessor::Piece> end;
  HEARTH_TRY(
      read_affix(header, "tokenizer.ggml.add_bos_token", defaults.add_bos, kBosKey, bos, start));
  HEARTH_TRY(
      read_affix(header, "tokenizer.ggml.add_eos_token", defaults.add_eos, kEosKey, eos, end));
  std::vector<PostProcessor::Piece> single = start;
  single.push_back({.kind = Kind::kFirst});
  single.insert(single.end(), end.begin(), end.end());
  // Of a pair, each text is as if it were alone.
  std::vector<PostProcessor::Piece> pair = single;
  for (PostProcessor::Piece piece : single) {
    if (piece.kind == Kind::kFirst) piece.kind = Kind::kSecond;
    piece.type_id = 1;
    pair.push_back(piece);
  }
  parts.post_processor.set_single(std::move(single));
  parts.post_processor.set_pair(std::move(pair));

  std::vector<TokenId> stop_ids;
  if (eos != kNoToken) stop_ids.push_back(eos);
  for (std::string_view key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    HEARTH_ASSIGN(const TokenId id, read_id(header, key, parts.vocab));
    if (id != kNoToken) add_stop_id(id, stop_ids);
  }
  add_named_stop_ids(parts.vocab, stop_ids);

  auto tokenizer = std::make_unique<PipelineTokenizer>(std::move(parts));
  tokenizer->bos_token = tokenizer->token_bytes(bos);
  tokenizer->eos_token = tokenizer->token_bytes(eos);
  if (const std::string* chat_template = header.string_value("tokenizer.chat_template")) {
    tokenizer->chat_template = *chat_template;
  }
  tokenizer->stop_ids = std::move(stop_ids);
  return tokenizer;
}

// Byte-level BPE.
Result<std::unique_ptr<Tokenizer>> make_gpt2(const GgufHeader& header) {
  const std::string* pre_name = header.string_value("tokenizer.ggml.pre");
  const std::string_view wanted = pre_name == nullptr ? std::string_view("default") : *pre_name;
  const Pre* pre = std::ranges::find(kPres, wanted, &Pre::name);
  if (pre == std::end(kPres)) {
    return fail(ErrorCode::kUnsupportedTokenizer,
                cat("The pre-tokenizer \"", wanted, "\" is not supported."), wanted);
  }
  HEARTH_ASSIGN(Tokens tokens, read_tokens(header, BpeParts::Alphabet::kBytes));
  HEARTH_TRY(read_merges(header, tokens.bpe));
  tokens.bpe.whole_words = pre->whole_words;
  tokens.bpe.missing = BpeParts::Missing::kSeparate;

  PipelineParts parts;
  HEARTH_ASSIGN(parts.model, BpeModel::make(tokens.bpe));
  parts.pre_tokenizer = make_pre_tokenizer(*pre);
  parts.vocab = std::move(tokens.vocab);
  parts.added = AddedTokens(std::move(tokens.added), AddedTokens::Order::kLongest);
  return finish(header, std::move(parts), {.add_bos = pre->add_bos});
}

// SentencePiece's BPE: scores instead of merges, words are whole texts, and bytes spell what has no
// token.
Result<std::unique_ptr<Tokenizer>> make_llama(const GgufHeader& header) {
  HEARTH_ASSIGN(Tokens tokens, read_tokens(header, BpeParts::Alphabet::kCharacters));
  HEARTH_ASSIGN(tokens.bpe.scores, read_scores(header, tokens.vocab.size()));
  HEARTH_ASSIGN(tokens.bpe.unknown,
                read_id(header, "tokenizer.ggml.unknown_token_id", tokens.vocab));

  PipelineParts parts;
  HEARTH_ASSIGN(parts.model, BpeModel::make(tokens.bpe));
  auto normalizer = std::make_unique<NormalizerChain>();
  parts.strip_first = header.bool_value("tokenizer.ggml.add_space_prefix").value_or(true);
  if (parts.strip_first) {
    normalizer->add(std::make_unique<Prepend>(std::string(kSpaceMark)));
  }
  normalizer->add(std::make_unique<ReplaceText>(" ", std::string(kSpaceMark)));
  parts.normalizer = std::move(normalizer);
  parts.pre_tokenizer = std::make_unique<PreTokenizerChain>();
  parts.vocab = std::move(tokens.vocab);
  parts.added = AddedTokens(std::move(tokens.added), AddedTokens::Order::kLongest);
  // The ids of "<s>" and "</s>" that llama.cpp takes when the file has none.
  return finish(header, std::move(parts), {.add_bos = true, .bos = 1, .eos = 2});
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_gguf(const GgufHeader& header) {
  const std::string* model = header.string_value("tokenizer.ggml.model");
  if (model == nullptr) {
    return fail(ErrorCode::kMissingMetadata, "The file does not say what its tokenizer is.",
                "tokenizer.ggml.model");
  }
  if (*model == "gpt2") return make_gpt2(header);
  if (*model == "llama") return make_llama(header);
  return fail(ErrorCode::kUnsupportedTokenizer,
              cat("Tokenizers of the model \"", *model, "\" are not supported."), *model);
}

}  // namespace hearth
