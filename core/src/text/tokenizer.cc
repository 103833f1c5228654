// Text from ids, whole or as a stream.
#include "text/tokenizer.h"

#include "text/utf8.h"

namespace hearth {

std::string Tokenizer::decode(const std::vector<TokenId>& ids, bool skip_special) const {
  std::string text;
  StreamDecoder decoder;
  for (TokenId id : ids) {
    if (skip_special && is_special(id)) continue;
    decoder.push(token_bytes(id), text);
  }
  decoder.finish(text);
  return text;
}

void StreamDecoder::push(std::string_view token_bytes, std::string& out) {
  std::size_t at = 0;
  while (!held_.empty() && at < token_bytes.size()) {
    held_.push_back(token_bytes[at]);
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
  while (at < token_bytes.size()) {
    const Utf8Char c = decode_utf8(token_bytes, at);
    if (c.state != Utf8State::kValid) {
      out.append(token_bytes, copied, at - copied);
      copied = at + c.length;
      if (c.state == Utf8State::kIncomplete) {
        held_.assign(token_bytes, at);
      } else {
        out += kReplacementUtf8;
      }
    }
    at += c.length;
  }
  if (copied < at) out.append(token_bytes, copied, at - copied);
}

void StreamDecoder::finish(std::string& out) {
  if (!held_.empty()) out += kReplacementUtf8;
  held_.clear();
}

}  // namespace hearth
