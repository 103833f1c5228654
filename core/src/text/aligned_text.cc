// Copying what does not change: see aligned_text.h.
#include "text/aligned_text.h"

namespace hearth {

void AlignedText::copy(const Slice& from, std::size_t begin, std::size_t end) {
  text_.append(from.text, begin, end - begin);
  if (!tracked_) return;
  if (from.spans != nullptr) {
    spans_.insert(spans_.end(), from.spans + begin, from.spans + end);
    return;
  }
  for (std::size_t at = begin; at < end;) {
    const std::size_t length = decode_utf8(from.text, at).length;
    spans_.insert(spans_.end(), length, from.span(at, at + length));
    at += length;
  }
}

}  // namespace hearth
