// Splitting by patterns, and chains of splits.
#include "text/pretokenizer.h"

#include <string>

#include "text/utf8.h"

namespace hearth {

void PatternSplit::split(std::string_view text, WordSink& out) const {
  std::size_t start = 0;  // of the stretch that no match has claimed
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = pattern_(text, at);
    if (end == at) {
      at += decode_utf8(text, at).length;
      continue;
    }
    if (start < at) out.word(text.substr(start, at - start));
    out.word(text.substr(at, end - at));
    start = at = end;
  }
  if (start < text.size()) out.word(text.substr(start));
}

void SpacePrefix::split(std::string_view text, WordSink& out) const {
  if (text.starts_with(' ')) {
    out.word(text);
    return;
  }
  std::string prefixed(" ");
  prefixed += text;
  out.word(prefixed);
}

struct PreTokenizerChain::Stage final : WordSink {
  Stage(const PreTokenizerChain& chain_in, std::size_t step_in, WordSink& out_in)
      : chain(chain_in), step(step_in), out(out_in) {}

  void word(std::string_view text) override {
    if (step == chain.steps_.size()) {
      out.word(text);
      return;
    }
    Stage next(chain, step + 1, out);
    chain.steps_[step]->split(text, next);
  }

  const PreTokenizerChain& chain;
  std::size_t step;
  WordSink& out;
};

void PreTokenizerChain::split(std::string_view text, WordSink& out) const {
  Stage(*this, 0, out).word(text);
}

}  // namespace hearth
