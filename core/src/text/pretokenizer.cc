// Splitting by patterns, and chains of splits.
#include "text/pretokenizer.h"

#include <algorithm>

#include "text/utf8.h"

namespace hearth {

void PatternSplit::split(const Slice& slice, WordSink& out) const {
  const std::string_view text = slice.text;
  std::size_t start = 0;  // of the stretch that no match has claimed
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = pattern_(text, at);
    if (end == at) {
      at += decode_utf8(text, at).length;
      continue;
    }
    if (start < at) out.word(slice.sub(start, at));
    out.word(slice.sub(at, end));
    start = at = end;
  }
  if (start < text.size()) out.word(slice.sub(start, text.size()));
}

void SpacePrefix::split(const Slice& slice, WordSink& out) const {
  if (slice.text.empty() || slice.text.starts_with(' ')) {
    out.word(slice);
    return;
  }
  // The space counts as part of the first character, as in tokenizers.
  AlignedText prefixed;
  prefixed.start(slice);
  prefixed.append(" ", slice.span(0, decode_utf8(slice.text, 0).length));
  prefixed.copy(slice, 0, slice.text.size());
  out.word(prefixed.slice());
}

struct PreTokenizerChain::Stage final : WordSink {
  Stage(const PreTokenizerChain& chain_in, std::size_t step_in, WordSink& out_in)
      : chain(chain_in), step(step_in), out(out_in) {}

  void word(const Slice& slice) override {
    if (step == chain.steps_.size()) {
      out.word(slice);
      return;
    }
    Stage next(chain, step + 1, out);
    chain.steps_[step]->split(slice, next);
  }

  const PreTokenizerChain& chain;
  std::size_t step;
  WordSink& out;
};

void PreTokenizerChain::split(const Slice& slice, WordSink& out) const {
  Stage(*this, 0, out).word(slice);
}

bool PreTokenizerChain::needs_origin() const {
  return std::ranges::any_of(steps_, [](const auto& step) { return step->needs_origin(); });
}

}  // namespace hearth
