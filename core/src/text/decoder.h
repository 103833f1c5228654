// Decoders: the steps that make a text of tokens, as tokenizer.json lists them. A step takes tokens
// and gives tokens. Here they take them one by one, as a model produces them, and pass on at once
// what no later token can change; so a stream of text equals the text of all tokens at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/regex.h"

namespace hearth {

/// One step, as the file says it.
struct DecoderStep {
  enum class Kind : std::uint8_t {
    kByteLevel,     ///< the byte-level alphabet back to bytes, all tokens as one
    kByteFallback,  ///< "<0x0A>" and its like to bytes
    kFuse,          ///< all tokens as one
    kStrip,         ///< up to `start` and `stop` of the character `text` off a token's ends
    kReplace,       ///< `text` by `content`
    kReplaceRegex,  ///< what `regex` matches by `content`
    kMetaspace,     ///< the mark `text` to a space, but for the first token's if `flag`
    kWordPiece,     ///< a space before tokens that do not start with `text`; tidied if `flag`
    kBpe,           ///< the suffix `text` to a space, but for the last token's
    kCtc,           ///< repeated tokens once, without the padding `text`; if `flag` tidied, and
                    ///< `content` to a space
    kJoin,          ///< `text` between tokens, all as one; what no decoder at all stands for
  } kind = Kind::kFuse;
  std::string text;
  std::string content;
  std::size_t start = 0;
  std::size_t stop = 0;
  bool flag = false;
  std::optional<Regex> regex;
};

/// The chain of steps at work on one stream of tokens.
class DecoderChain {
 public:
  /// `after_text`: the first token does not start the text.
  DecoderChain(const std::vector<DecoderStep>& steps, bool after_text);
  ~DecoderChain();
  DecoderChain(DecoderChain&&) noexcept;
  DecoderChain& operator=(DecoderChain&&) noexcept;

  /// The next token, as the vocabulary writes it. Appends the bytes that are now certain.
  void push(std::string_view token, std::string& out);
  /// No token follows.
  void finish(std::string& out);

  class Stage;

 private:
  class Sink;
  std::unique_ptr<Sink> sink_;
  std::vector<std::unique_ptr<Stage>> stages_;  // the last of them feeds sink_
};

}  // namespace hearth
