// Building a BPE model from its file's vocabulary and merges: see bpe.h.
#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "base/cat.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/byte_token.h"
#include "text/utf8.h"

namespace hearth {
namespace {

// Bits of the filter per pair that is put in: false answers, which only cost a cut, stay under one
// in eight.
constexpr std::size_t kBitsPerPair = 8;

// The text's only character, or 0 when it is none or more than one; U+0000 counts as none.
char32_t only_character(std::string_view text) {
  if (text.empty()) return 0;
  const Utf8Char c = decode_utf8(text, 0);
  return c.state == Utf8State::kValid && c.length == text.size() ? c.code : 0;
}

}  // namespace

void BpeModel::CharTable::put(char32_t code, TokenId id) {
  if (code >= kDirect) {
    others.emplace(code, id);
    return;
  }
  if (direct.empty()) direct.assign(kDirect, kNoToken);
  direct[code] = id;
}

// At least one slot stays empty, where a search for a pair that is absent ends.
void BpeModel::size_merges(std::size_t count) {
  merges_.resize(std::bit_ceil(count + count / 2 + 1));
}

void BpeModel::insert_merge(const Merge& merge) {
  const std::size_t mask = merges_.size() - 1;
  std::size_t slot = slot_of(merge.pair) & mask;
  while (merges_[slot].pair != kNoPair && merges_[slot].pair != merge.pair) {
    slot = (slot + 1) & mask;
  }
  // Of a pair listed twice the later rank counts, as in the map that tokenizers reads merges into.
  merges_[slot] = merge;
}

void BpeModel::note_neighbours(std::string_view token) {
  char32_t left = 0;
  for (std::size_t at = 0; at < token.size();) {
    const Utf8Char c = decode_utf8(token, at);
    if (at > 0) {
      const std::size_t bit = neighbour_bit(left, c.code);
      neighbours_[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
    left = c.code;
    at += c.length;
  }
}

Result<void> BpeModel::read_merges(const BpeParts& parts) {
  size_merges(parts.merges.size());
  std::string joined;
  std::uint32_t rank = 0;
  for (const auto& [left, right] : parts.merges) {
    // What follows a token is written with the prefix, and the result has it once.
    const bool prefixed = right.starts_with(parts.continuing_prefix);
    joined.assign(left);
    joined += prefixed ? right.substr(parts.continuing_prefix.size()) : right;
    const std::string_view names[] = {left, right, joined};
    TokenId ids[3];
    for (int i = 0; i < 3; ++i) {
      auto found = parts.ids.find(names[i]);
      if (found == parts.ids.end()) {
        return fail(
            ErrorCode::kMalformedTokenizer,
            cat("Merge ", rank, " needs the token \"", names[i], "\", which does not exist."),
            names[i]);
      }
      ids[i] = found->second;
    }
    insert_merge({pair_of(ids[0], ids[1]), rank++, ids[2]});
    if (!neighbours_.empty()) note_neighbours(joined);
  }
  return {};
}

// Every way to cut a token in two, where both parts are tokens or single characters, is a merge.
void BpeModel::read_scores(const BpeParts& parts) {
  std::vector<float> levels(parts.scores);
  std::ranges::sort(levels, std::greater());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  first_pseudo_ = static_cast<TokenId>(parts.scores.size());
  TokenId next_pseudo = first_pseudo_;
  auto part_id = [&](std::string_view text) {
    if (auto found = parts.ids.find(text); found != parts.ids.end()) return found->second;
    const char32_t code = only_character(text);
    if (code == 0) return kNoToken;
    TokenId id = characters_[0].find(code);
    if (id == kNoToken) characters_[0].put(code, id = next_pseudo++);
    return id;
  };
  std::vector<Merge> found;
  for (const auto& [text, id] : parts.ids) {
    const auto level = std::ranges::lower_bound(levels, parts.scores[id], std::greater());
    const auto rank = static_cast<std::uint32_t>(level - levels.begin());
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      if (is_continuation(text[cut])) continue;
      // The longer half first: it is less often a token, and then nothing else need be looked up.
      const bool left_longer = 2 * cut > text.size();
      const TokenId a = part_id(left_longer ? text.substr(0, cut) : text.substr(cut));
      if (a == kNoToken) continue;
      const TokenId b = part_id(left_longer ? text.substr(cut) : text.substr(0, cut));
      if (b == kNoToken) continue;
      found.push_back({left_longer ? pair_of(a, b) : pair_of(b, a), rank, id});
    }
    note_neighbours(text);
  }
  size_merges(found.size());
  for (const Merge& merge : found) insert_merge(merge);
}

void BpeModel::read_characters(const BpeParts& parts) {
  has_affixes_ = !parts.continuing_prefix.empty() || !parts.word_suffix.empty();
  for (int place = 0; place < (has_affixes_ ? 4 : 1); ++place) {
    const std::string_view prefix = (place & 1) != 0 ? std::string_view() : parts.continuing_prefix;
    const std::string_view suffix = (place & 2) == 0 ? std::string_view() : parts.word_suffix;
    for (const auto& [text, id] : parts.ids) {
      if (text.size() < prefix.size() + suffix.size() || !text.starts_with(prefix) ||
          !text.ends_with(suffix)) {
        continue;
      }
      const char32_t code =
          only_character(text.substr(prefix.size(), text.size() - prefix.size() - suffix.size()));
      if (code != 0) characters_[place].put(code, id);
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    auto found = parts.ids.find(byte_token_of(static_cast<unsigned char>(byte)));
    byte_ids_[byte] = found == parts.ids.end() ? kNoToken : found->second;
  }
  // U+0000 is a character like any other, which only_character cannot say.
  if (auto zero = parts.ids.find(std::string_view("\0", 1)); zero != parts.ids.end()) {
    characters_[0].put(0, zero->second);
  }
}

Result<std::unique_ptr<BpeModel>> BpeModel::make(const BpeParts& parts) {
  std::unique_ptr<BpeModel> model(new BpeModel);
  model->alphabet_ = parts.alphabet;
  model->missing_ = parts.missing;
  model->unknown_ = parts.unknown;
  model->byte_fallback_ = parts.byte_fallback;
  const bool bytes = parts.alphabet == BpeParts::Alphabet::kBytes;
  if (bytes) {
    for (int byte = 0; byte < 256; ++byte) {
      const char character[] = {static_cast<char>(byte)};
      std::string written;
      append_byte_level_encoded({character, 1}, written);
      auto found = parts.ids.find(written);
      model->byte_ids_[byte] = found == parts.ids.end() ? kNoToken : found->second;
    }
  } else {
    model->read_characters(parts);
    if (!model->has_affixes_) {
      const std::size_t pairs = parts.scores.empty() ? parts.merges.size() : parts.ids.size();
      model->neighbours_.resize(std::bit_ceil(pairs * kBitsPerPair / 64 + 1));
    }
  }
  if (parts.scores.empty()) {
    HEARTH_TRY(model->read_merges(parts));
  } else {
    model->read_scores(parts);
  }

  if (parts.whole_words) {
    model->words_.reserve(parts.ids.size());
    for (const auto& [written, id] : parts.ids) {
      std::string text;
      if (!bytes) {
        model->words_.emplace(written, id);
      } else if (append_byte_level_decoded(written, text)) {
        model->words_.emplace(std::move(text), id);
      }
    }
  }
  return model;
}

}  // namespace hearth
