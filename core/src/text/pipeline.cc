// Encoding through the pipeline, and the names of tokens that end a turn.
#include "text/pipeline.h"

#include <algorithm>

#include "base/cat.h"
#include "text/sanitized.h"
#include "text/unicode.h"

namespace hearth {
namespace {

// 128 MB. Positions in a word are of 31 bits, and a character grows to eleven times its bytes at
// most (U+FDFA, by NFKC).
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 27;

// Spaces at the start and at the end of a text.
std::size_t count_spaces(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const Utf8Char c = decode_utf8(text, at);
    if (!char_class(c.code).is_space()) break;
    at += c.length;
  }
  return count;
}
std::size_t count_last_spaces(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t end = text.size(); end > 0; ++count) {
    std::size_t at = end - 1;
    while (at > 0 && is_continuation(text[at])) --at;
    if (!char_class(decode_utf8(text, at).code).is_space()) break;
    end = at;
  }
  return count;
}

}  // namespace

// Gives words to the model, and turns spans in a word into spans in the original.
struct PipelineTokenizer::WordEncoder final : WordSink {
  WordEncoder(const TokenModel& model_in, TokenSink& out_in) : model(model_in), out(out_in) {}

  void word(const Slice& slice) override {
    if (!out.tracked()) {
      model.encode_word(slice.text, out);
      return;
    }
    const std::size_t before = out.ids().size();
    model.encode_word(slice.text, out);
    for (std::size_t i = before; i < out.ids().size(); ++i) {
      Span& span = out.span(i);
      if (span.begin < span.end) span = slice.span(span.begin, span.end);
    }
  }

  const TokenModel& model;
  TokenSink& out;
};

// Appends the tokens of a text that is UTF-8.
Result<void> PipelineTokenizer::encode_valid(std::string_view text, bool parse_special,
                                             TokenSink& out) const {
  const Slice whole{.text = text, .tracked = out.tracked() || parts_.pre_tokenizer->needs_origin()};
  WordEncoder encoder(*parts_.model, out);
  AlignedText normalized;
  auto put_token = [&](const AddedTokens::Piece& piece, const Slice& slice) {
    const Span span = slice.span(piece.begin, piece.end);
    out.add(piece.id, span.begin, span.end);
  };
  for (const AddedTokens::Piece& piece : parts_.added.split(text, parse_special)) {
    if (piece.is_token) {
      put_token(piece, whole);
      continue;
    }
    Slice slice = whole.sub(piece.begin, piece.end);
    if (parts_.normalizer != nullptr) {
      normalized.start(slice);
      if (parts_.normalizer->apply(slice, normalized)) slice = normalized.slice();
    }
    if (!parts_.added.has_normalized()) {
      if (!slice.text.empty()) parts_.pre_tokenizer->split(slice, encoder);
      continue;
    }
    for (const AddedTokens::Piece& inner :
         parts_.added.split_normalized(slice.text, parse_special)) {
      if (inner.is_token) {
        put_token(inner, slice);
      } else {
        parts_.pre_tokenizer->split(slice.sub(inner.begin, inner.end), encoder);
      }
    }
  }
  if (out.failed()) {
    return fail(ErrorCode::kMalformedTokenizer,
                "The text has something that no token stands for, and there is no unknown token.",
                "unk_token");
  }
  return {};
}

// Takes the spaces at both ends of a token, as its text in the vocabulary has them, off its span:
// each a character of the text.
void PipelineTokenizer::trim(std::string_view text, Encoding& encoding) const {
  const PostProcessor::Trim trim = parts_.post_processor.trim();
  if (!trim.on) return;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    Span& span = encoding.offsets[i];
    std::size_t leading = 0;
    std::size_t trailing = 0;
    if (parts_.added.contains(encoding.ids[i])) {
      // An added token may have taken spaces of the text along, of any kind.
      const std::string_view taken = text.substr(span.begin, span.end - span.begin);
      leading = count_spaces(taken);
      trailing = count_last_spaces(taken);
    } else {
      const std::string_view token = parts_.vocab.bytes(encoding.ids[i]);
      leading = std::min(token.find_first_not_of(' '), token.size());
      trailing = leading == token.size() ? leading : token.size() - 1 - token.find_last_not_of(' ');
    }
    const bool first = i == 0 || span.begin == 0;
    if (first && trim.keep_first && leading == 1) leading = 0;
    for (; leading > 0 && span.begin < span.end; --leading) {
      span.begin += decode_utf8(text, span.begin).length;
    }
    for (; trailing > 0 && span.begin < span.end; --trailing) {
      do {
        --span.end;
      } while (span.end > span.begin && is_continuation(text[span.end]));
    }
  }
}

namespace {

// Decodes by the steps of a tokenizer.json.
class ChainStream final : public TokenStream {
 public:
  ChainStream(const PipelineParts& parts, const DecodeOptions& options)
      : parts_(parts),
        skip_special_(options.skip_special),
        chain_(parts.decoder, options.after_text) {}

  void push(TokenId id, std::string& out) override {
    if (id >= parts_.written.size()) return;
    if (skip_special_ && parts_.vocab.special(id)) return;
    std::string bytes;
    chain_.push(parts_.written.bytes(id), bytes);
    decoder_.push(bytes, out);
  }
  void finish(std::string& out) override {
    std::string bytes;
    chain_.finish(bytes);
    decoder_.push(bytes, out);
    decoder_.finish(out);
  }

 private:
  const PipelineParts& parts_;
  bool skip_special_;
  DecoderChain chain_;
  StreamDecoder decoder_;
};

}  // namespace

std::unique_ptr<TokenStream> PipelineTokenizer::stream(const DecodeOptions& options) const {
  if (parts_.written.size() > 0) return std::make_unique<ChainStream>(parts_, options);
  return std::make_unique<BytesStream>(*this, options.skip_special,
                                       parts_.strip_first && !options.after_text);
}

Result<std::vector<TokenId>> PipelineTokenizer::encode(std::string_view text,
                                                       const EncodeOptions& options) const {
  HEARTH_ASSIGN(const Sanitized valid, Sanitized::make(text, kMaxTextBytes));
  std::vector<TokenId> ids;
  // English text has four to five bytes a token.
  ids.reserve(text.size() / 4 + 1);
  TokenSink sink(ids, nullptr);
  HEARTH_TRY(encode_valid(valid.text(), options.parse_special, sink));
  parts_.post_processor.finish(ids, options.add_special);
  return ids;
}

Result<Encoding> PipelineTokenizer::encode_one(std::string_view text,
                                               const EncodeOptions& options) const {
  HEARTH_ASSIGN(const Sanitized valid, Sanitized::make(text, kMaxTextBytes));
  Encoding encoding;
  TokenSink sink(encoding.ids, &encoding.offsets);
  HEARTH_TRY(encode_valid(valid.text(), options.parse_special, sink));
  trim(valid.text(), encoding);
  valid.restore(encoding.offsets);
  return encoding;
}

Result<Encoding> PipelineTokenizer::encode_with_offsets(std::string_view text,
                                                        std::optional<std::string_view> pair,
                                                        const EncodeOptions& options) const {
  HEARTH_ASSIGN(Encoding first, encode_one(text, options));
  if (!pair) return parts_.post_processor.join(std::move(first), nullptr, options.add_special);
  HEARTH_ASSIGN(const Encoding second, encode_one(*pair, options));
  return parts_.post_processor.join(std::move(first), &second, options.add_special);
}

void add_stop_id(TokenId id, std::vector<TokenId>& stop_ids) {
  if (std::ranges::find(stop_ids, id) == stop_ids.end()) stop_ids.push_back(id);
}

void add_named_stop_ids(const Vocab& vocab, std::vector<TokenId>& stop_ids) {
  // ChatML, Llama 3, GPT and OLMo, Phi 3, Gemma, Llama 2 and Mistral, OpenChat, SmolVLM, DeepSeek.
  static constexpr std::string_view kNames[] = {
      "<|im_end|>",      "<|eot_id|>",         "<|eom_id|>",
      "<|endoftext|>",   "<|end_of_text|>",    "<|end|>",
      "<eos>",           "<end_of_turn>",      "</s>",
      "<|end_of_turn|>", "<end_of_utterance>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
  };
  for (TokenId id = 0; id < vocab.size(); ++id) {
    if (vocab.special(id) && std::ranges::find(kNames, vocab.bytes(id)) != std::end(kNames)) {
      add_stop_id(id, stop_ids);
    }
  }
}

}  // namespace hearth
