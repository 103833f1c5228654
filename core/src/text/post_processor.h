// What comes after the model: offsets lose the spaces around words, where the model's family does
// that, and the tokens that the model expects are put around a text or a pair of texts.
#pragma once

#include <cstdint>
#include <vector>

#include "text/tokenizer.h"

namespace hearth {

class PostProcessor {
 public:
  /// A piece of the result: a token, or one of the texts.
  struct Piece {
    enum class Kind : std::uint8_t { kToken, kFirst, kSecond } kind = Kind::kToken;
    TokenId id = 0;
    std::uint8_t type_id = 0;
  };

  PostProcessor();

  /// The result for one text and for two. Each text must be in it once.
  void set_single(std::vector<Piece> pieces) { single_ = std::move(pieces); }
  void set_pair(std::vector<Piece> pieces) { pair_ = std::move(pieces); }

  /// What to do about the spaces at a token's ends.
  struct Trim {
    bool on = false;
    bool keep_first = false;  ///< one space that was put before a text is not taken off
  };
  void set_trim(Trim trim) { trim_ = trim; }
  Trim trim() const { return trim_; }

  /// Puts tokens around one text's ids, when asked to.
  void finish(std::vector<TokenId>& ids, bool add_special) const;

  /// Joins the encodings of one text or of two. Their type_ids and added are empty as yet.
  Encoding join(Encoding first, const Encoding* second, bool add_special) const;

 private:
  std::vector<Piece> single_;
  std::vector<Piece> pair_;
  Trim trim_;
};

}  // namespace hearth
