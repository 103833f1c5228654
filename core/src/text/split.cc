// Splitting by regular expressions: see split.h.
#include "text/split.h"

namespace hearth {

std::optional<SplitBehavior> split_behavior(std::string_view name) {
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return std::nullopt;
}

void RegexSplit::split(const Slice& slice, WordSink& out) const {
  const std::string_view text = slice.text;
  SplitWords words(behavior_, invert_,
                   [&](std::size_t begin, std::size_t end) { out.word(slice.sub(begin, end)); });
  RegexSearch search(regex_, text);
  std::size_t at = 0;
  while (const auto match = search.next()) {
    if (at < match->begin) words.stretch(at, match->begin, false);
    words.stretch(match->begin, match->end, true);
    at = match->end;
  }
  if (at < text.size()) words.stretch(at, text.size(), false);
  words.finish();
}

}  // namespace hearth
