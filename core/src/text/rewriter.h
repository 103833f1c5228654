// Rewriting a text character by character, with spans as tokenizers' NormalizedString keeps them:
// a new character says whether it takes the place of one, or of several, or comes in addition. Some
// normalizers there miscount, and ours must equal their offsets; so they say the same here.
#pragma once

#include "text/aligned_text.h"

namespace hearth {

class Rewriter {
 public:
  Rewriter(const Slice& in, AlignedText& out) : in_(in), out_(out) {}

  /// A character that is added after the last one replaced (change > 0), takes the next one's place
  /// (0), or the place of the next one and of -change more (< 0).
  void put(char32_t code, int change) {
    if (!in_.tracked) {
      out_.append(code, {});
      return;
    }
    Span span;
    if (change > 0) {
      span = at_ == 0 ? Span{in_.origin, in_.origin} : in_.span(at_ - 1, at_);
    } else {
      const std::size_t at = at_ < in_.text.size() ? at_ : in_.text.size() - 1;
      span = in_.span(at, at + 1);
    }
    out_.append(code, span);
    for (; change <= 0; ++change) skip();
  }

  /// Leaves the next character out.
  void skip() {
    if (at_ < in_.text.size()) at_ += decode_utf8(in_.text, at_).length;
  }

 private:
  const Slice& in_;  // not empty
  AlignedText& out_;
  std::size_t at_ = 0;  // what is before this in `in_` was replaced
};

/// Calls f(code, begin, end) for each character of the text, which is UTF-8.
template <typename F>
void for_each_character(std::string_view text, F&& f) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    f(c.code, at, at + c.length);
    at += c.length;
  }
}

}  // namespace hearth
