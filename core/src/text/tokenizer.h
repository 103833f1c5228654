// A tokenizer: text to token ids and back. Built from GGUF metadata or from tokenizer.json.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/gguf.h"

namespace hearth {

using TokenId = std::uint32_t;

/// Bytes [begin, end) of a text.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool operator==(const Span&) const = default;
};

struct EncodeOptions {
  bool add_special = false;    ///< add the tokens the model expects around a text (BOS, EOS)
  bool parse_special = false;  ///< read control tokens such as "<|im_end|>" written in the text
};

/// What a text, or a pair of texts, becomes. The lists are of one length.
struct Encoding {
  std::vector<TokenId> ids;
  /// The bytes of its text that a token stands for, always whole characters: pieces of one
  /// character have all of it. Empty, at 0, for what add_special added.
  std::vector<Span> offsets;
  std::vector<std::uint8_t> type_ids;  ///< which text a token belongs to, as the model counts them
  std::vector<std::uint8_t> second;    ///< 1 for what is of a pair's second text
  std::vector<std::uint8_t> added;     ///< 1 for what add_special added (the special tokens mask)
};

struct DecodeOptions {
  bool skip_special = false;  ///< leave control tokens out
  /// Other text comes before this, so that its first token is not treated as one that starts a
  /// text, which for many tokenizers has a space less.
  bool after_text = false;
};

/// Turns a stream of tokens into a stream of whole characters: what a later token may still change,
/// as the rest of a character does, is held back.
class TokenStream {
 public:
  virtual ~TokenStream() = default;
  /// Appends the text that is now certain. Ids past the vocabulary are nothing.
  virtual void push(TokenId id, std::string& out) = 0;
  /// The stream has ended: appends the rest.
  virtual void finish(std::string& out) = 0;
};

/// Not to be shared between threads: encode() keeps a cache.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Ids of the text. What is no UTF-8 counts as U+FFFD, one for each maximal subpart of a
  /// character, as for browsers' TextDecoder. Errors: count_too_large for a text of more than
  /// 128 MB, malformed_tokenizer for one with something that no token stands for.
  virtual Result<std::vector<TokenId>> encode(std::string_view text,
                                              const EncodeOptions& options) const = 0;

  /// The same of a text, or of a pair of texts, with where each token came from.
  virtual Result<Encoding> encode_with_offsets(std::string_view text,
                                               std::optional<std::string_view> pair,
                                               const EncodeOptions& options) const = 0;

  /// The raw bytes that the token stands for in text, possibly part of a character; for a control
  /// token its name. Empty for ids past the vocabulary.
  virtual std::string_view token_bytes(TokenId id) const = 0;

  /// Whether the id is a control token ("<|im_end|>"), which is no part of a text.
  virtual bool is_special(TokenId id) const = 0;

  virtual std::uint32_t vocab_size() const = 0;

  /// Decodes tokens one by one; the tokenizer must outlive it. All its text is decode()'s.
  virtual std::unique_ptr<TokenStream> stream(const DecodeOptions& options) const;

  /// Text of the ids. What is no UTF-8 becomes U+FFFD, one for each maximal subpart of a character,
  /// as browsers' TextDecoder does (The Unicode Standard, section 3.9).
  std::string decode(const std::vector<TokenId>& ids, bool skip_special) const;

  // What the file says of the model's tokens; empty when it says nothing.
  std::string chat_template;
  std::string bos_token;
  std::string eos_token;
  std::vector<TokenId> stop_ids;  ///< end of text, end of turn
};

/// Errors: unsupported_tokenizer, malformed_tokenizer, missing_metadata.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_gguf(const GgufHeader& header);

/// Either JSON document may hold any tokenizer's, `config_json` may be empty. Errors: as above, and
/// malformed_json.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(std::string_view tokenizer_json,
                                                       std::string_view config_json);

/// Turns a stream of bytes into a stream of whole characters: bytes of an unfinished character are
/// held back until it is finished, or known to be broken (then U+FFFD).
class StreamDecoder {
 public:
  /// Appends the text that is now certain.
  void push(std::string_view bytes, std::string& out);
  /// The stream has ended: what was held back becomes U+FFFD.
  void finish(std::string& out);
  void reset() { held_.clear(); }

 private:
  std::string held_;  // at most 3 bytes: the start of one character
};

/// The stream of a tokenizer whose tokens are bytes, each the same wherever it stands.
class BytesStream final : public TokenStream {
 public:
  /// `strip_first`: a space at the text's start is left out.
  BytesStream(const Tokenizer& tokenizer, bool skip_special, bool strip_first)
      : tokenizer_(tokenizer), skip_special_(skip_special), strip_first_(strip_first) {}
  void push(TokenId id, std::string& out) override;
  void finish(std::string& out) override { decoder_.finish(out); }

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  bool strip_first_;
  StreamDecoder decoder_;
};

}  // namespace hearth
