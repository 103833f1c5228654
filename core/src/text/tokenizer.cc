// Text from ids, whole or as a stream.
#include "text/tokenizer.h"

#include "text/utf8.h"

namespace hearth {

std::unique_ptr<TokenStream> Tokenizer::stream(const DecodeOptions& options) const {
  return std::make_unique<BytesStream>(*this, options.skip_special, false);
}

std::string Tokenizer::decode(const std::vector<TokenId>& ids, bool skip_special) const {
  std::string text;
  const std::unique_ptr<TokenStream> tokens = stream({.skip_special = skip_special});
  for (TokenId id : ids) tokens->push(id, text);
  tokens->finish(text);
  return text;
}

void BytesStream::push(TokenId id, std::string& out) {
  if (skip_special_ && tokenizer_.is_special(id)) return;
  std::string_view bytes = tokenizer_.token_bytes(id);
  if (strip_first_ && !bytes.empty()) {
    if (bytes.starts_with(' ')) bytes.remove_prefix(1);
    strip_first_ = false;
  }
  decoder_.push(bytes, out);
}

void StreamDecoder::push(std::string_view bytes, std::string& out) {
  std::size_t at = 0;
  while (!held_.empty() && at < bytes.size()) {
    held_.push_back(bytes[at]);
    const Utf8Char c = decode_utf8(held_, 0);
    if (c.state == Utf8State::kIncomplete) {
      ++at;
      continue;
    }
    if (c.state == Utf8State::kValid) {
      out += held_;
      ++at;
    } else {
      // What was held is broken by this byte, which may itself start a character.
      out += kReplacementUtf8;
    }
    held_.clear();
  }
  std::size_t copied = at;  // bytes before this are in `out`
  while (at < bytes.size()) {
    const Utf8Char c = decode_utf8(bytes, at);
    if (c.state != Utf8State::kValid) {
      out.append(bytes, copied, at - copied);
      copied = at + c.length;
      if (c.state == Utf8State::kIncomplete) {
        held_.assign(bytes, at);
      } else {
        out += kReplacementUtf8;
      }
    }
    at += c.length;
  }
  if (copied < at) out.append(bytes, copied, at - copied);
}

void StreamDecoder::finish(std::string& out) {
  if (!held_.empty()) out += kReplacementUtf8;
  held_.clear();
}

}  // namespace hearth
