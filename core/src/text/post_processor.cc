// Joining texts and tokens: see post_processor.h.
#include "text/post_processor.h"

namespace hearth {

using Kind = PostProcessor::Piece::Kind;

PostProcessor::PostProcessor()
    : single_{{.kind = Kind::kFirst}},
      pair_{{.kind = Kind::kFirst}, {.kind = Kind::kSecond, .type_id = 1}} {}

void PostProcessor::finish(std::vector<TokenId>& ids, bool add_special) const {
  if (!add_special || single_.size() == 1) return;
  std::vector<TokenId> joined;
  joined.reserve(ids.size() + single_.size());
  for (const Piece& piece : single_) {
    if (piece.kind == Kind::kToken) {
      joined.push_back(piece.id);
    } else {
      joined.insert(joined.end(), ids.begin(), ids.end());
    }
  }
  ids = std::move(joined);
}

Encoding PostProcessor::join(Encoding first, const Encoding* second, bool add_special) const {
  Encoding joined;
  for (const Piece& piece : second == nullptr ? single_ : pair_) {
    if (piece.kind == Kind::kToken) {
      if (!add_special) continue;
      joined.ids.push_back(piece.id);
      joined.offsets.push_back({});
    } else {
      const Encoding& text = piece.kind == Kind::kFirst ? first : *second;
      joined.ids.insert(joined.ids.end(), text.ids.begin(), text.ids.end());
      joined.offsets.insert(joined.offsets.end(), text.offsets.begin(), text.offsets.end());
    }
    joined.type_ids.resize(joined.ids.size(), piece.type_id);
    joined.second.resize(joined.ids.size(), piece.kind == Kind::kSecond ? 1 : 0);
    joined.added.resize(joined.ids.size(), piece.kind == Kind::kToken ? 1 : 0);
  }
  return joined;
}

}  // namespace hearth
