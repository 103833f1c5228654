// Chains of normalizers, and those that put texts before and in place of others. Which
// character an added text counts as part of is as in tokenizers, whose offsets ours must equal.
#include "text/normalizer.h"

namespace hearth {
namespace {

// Where the last character of `text`, which is not empty, starts.
std::size_t last_character(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && is_continuation(text[at])) --at;
  return at;
}

}  // namespace

bool NormalizerChain::apply(const Slice& in, AlignedText& out) const {
  AlignedText spare;
  AlignedText* next = &out;
  AlignedText* held = &spare;  // what `current` views, once it is changed
  Slice current = in;
  bool changed = false;
  for (const std::unique_ptr<Normalizer>& step : steps_) {
    next->start(current);
    if (!step->apply(current, *next)) continue;
    std::swap(next, held);
    current = held->slice();
    changed = true;
  }
  if (changed && held == &spare) std::swap(out, spare);
  return changed;
}

bool Prepend::apply(const Slice& in, AlignedText& out) const {
  if (in.text.empty() || text_.empty()) return false;
  out.append(text_, in.span(0, decode_utf8(in.text, 0).length));
  out.copy(in, 0, in.text.size());
  return true;
}

bool ReplaceText::apply(const Slice& in, AlignedText& out) const {
  std::size_t found = in.text.find(pattern_);
  if (pattern_.empty() || found == std::string_view::npos) return false;
  const std::size_t last = last_character(pattern_);
  std::size_t done = 0;
  for (; found != std::string_view::npos; found = in.text.find(pattern_, done)) {
    out.copy(in, done, found);
    done = found + pattern_.size();
    out.append(content_, in.span(found + last, done));
  }
  out.copy(in, done, in.text.size());
  return true;
}

bool ReplaceRegex::apply(const Slice& in, AlignedText& out) const {
  // In an empty text tokenizers finds nothing, not even what matches nothing.
  if (in.text.empty()) return false;
  RegexSearch search(regex_, in.text);
  std::size_t done = 0;
  bool changed = false;
  while (const auto match = search.next()) {
    out.copy(in, done, match->begin);
    done = match->end;
    // What comes in place of nothing counts as the character before it.
    const Span span = done > 0 ? in.span(done - 1, done) : Span{in.origin, in.origin};
    out.append(content_, span);
    changed = true;
  }
  if (changed) out.copy(in, done, in.text.size());
  return changed;
}

}  // namespace hearth
