// Text on its way through the tokenizer, and where in the original text it came from. As long as
// nothing changed the text, that costs nothing: a slice of it is a view and the place where it
// starts. A step that changes the text writes a new one and, when offsets were asked for, the span
// of the original behind each byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"
#include "text/utf8.h"

namespace hearth {

/// A stretch of text. Views what it is a slice of, which must outlive it.
struct Slice {
  std::string_view text;
  const Span* spans = nullptr;  ///< (byte of text); nullptr when the text is the original
  std::uint32_t origin = 0;     ///< where what it was made of starts in the original
  bool tracked = false;         ///< who changes the text must write spans

  Slice sub(std::size_t begin, std::size_t end) const {
    return {text.substr(begin, end - begin), spans == nullptr ? nullptr : spans + begin,
            spans != nullptr && begin < end ? spans[begin].begin
                                            : origin + static_cast<std::uint32_t>(begin),
            tracked};
  }

  /// The original behind the bytes [begin, end), which are not empty; what is part of a character
  /// counts as all of it.
  Span span(std::size_t begin, std::size_t end) const {
    if (spans != nullptr) return {spans[begin].begin, spans[end - 1].end};
    while (begin > 0 && is_continuation(text[begin])) --begin;
    while (end < text.size() && is_continuation(text[end])) ++end;
    return {origin + static_cast<std::uint32_t>(begin), origin + static_cast<std::uint32_t>(end)};
  }

  /// Whether the text starts where the original does. Known of a changed text only when tracked.
  bool at_start() const {
    return (spans == nullptr || text.empty() ? origin : spans[0].begin) == 0;
  }
};

/// A changed text: appended to from left to right.
class AlignedText {
 public:
  /// Forgets the text, and starts what changes `from`.
  void start(const Slice& from) {
    text_.clear();
    spans_.clear();
    origin_ = from.origin;
    tracked_ = from.tracked;
  }

  /// Bytes that come from `span`.
  void append(std::string_view bytes, Span span) {
    text_ += bytes;
    if (tracked_) spans_.insert(spans_.end(), bytes.size(), span);
  }
  void append(char32_t code, Span span) {
    const std::size_t before = text_.size();
    append_utf8(code, text_);
    if (tracked_) spans_.insert(spans_.end(), text_.size() - before, span);
  }

  /// The bytes [begin, end) of `from`, whole characters, unchanged.
  void copy(const Slice& from, std::size_t begin, std::size_t end);

  Slice slice() const { return {text_, tracked_ ? spans_.data() : nullptr, origin_, tracked_}; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
  std::vector<Span> spans_;  // (byte of text_), when tracked
  std::uint32_t origin_ = 0;
  bool tracked_ = false;
};

}  // namespace hearth
