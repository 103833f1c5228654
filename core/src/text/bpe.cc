// Encoding words by BPE: see bpe.h.
#include "text/bpe.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/check.h"
#include "text/utf8.h"

namespace hearth {
namespace {

// 8,192 slots of 64 bytes: 512 KB, which holds the common words of a long text.
constexpr std::size_t kCacheSlots = 8192;

// Words are not cut into parts shorter than this many bytes, which merging takes as fast.
constexpr std::size_t kShortestPart = 4;

}  // namespace

const BpeModel::Merge* BpeModel::find_merge(TokenId left, TokenId right) const {
  const std::uint64_t pair = pair_of(left, right);
  const std::size_t mask = merges_.size() - 1;
  for (std::size_t slot = slot_of(pair) & mask;; slot = (slot + 1) & mask) {
    if (merges_[slot].pair == pair) return &merges_[slot];
    if (merges_[slot].pair == kNoPair) return nullptr;
  }
}

bool BpeModel::may_be_neighbours(char32_t left, char32_t right) const {
  const std::size_t bit = neighbour_bit(left, right);
  return (neighbours_[bit / 64] >> bit % 64 & 1) != 0;
}

void BpeModel::push_symbol(TokenId id, std::size_t size) const {
  const auto index = static_cast<std::int32_t>(symbols_.size());
  symbols_.push_back({id, index - 1, index + 1, static_cast<std::uint32_t>(size)});
}

void BpeModel::start_bytes(std::string_view word) const {
  bool in_unknown_run = false;
  for (char c : word) {
    TokenId id = byte_ids_[static_cast<std::uint8_t>(c)];
    const bool known = id != kNoToken;
    if (!known) {
      if (missing_ == BpeParts::Missing::kJoin) continue;
      if (missing_ == BpeParts::Missing::kUnknownRun && in_unknown_run) {
        ++symbols_.back().size;
        continue;
      }
      // For kSeparate this is kNoToken: a symbol that no merge knows.
      id = unknown_;
    }
    in_unknown_run = !known;
    push_symbol(id, 1);
  }
}

void BpeModel::start_characters(std::string_view word) const {
  const bool scored = first_pseudo_ != kNoToken;
  // Bytes of unknown characters whose token is not yet pushed: tokenizers pushes it when a known
  // character comes, and tokens of bytes come before it.
  std::size_t pending = 0;
  for (std::size_t at = 0; at < word.size();) {
    const Utf8Char c = decode_utf8(word, at);
    const std::size_t place =
        has_affixes_ ? (at == 0 ? 1U : 0U) + (at + c.length == word.size() ? 2U : 0U) : 0U;
    const std::size_t begin = at;
    at += c.length;
    const TokenId id = characters_[place].find(c.code);
    if (id != kNoToken) {
      if (pending > 0) push_symbol(unknown_, pending);
      pending = 0;
      push_symbol(id, c.length);
      continue;
    }
    if (scored) {
      push_symbol(kNoToken, c.length);
      continue;
    }
    if (byte_fallback_) {
      const std::string_view bytes = word.substr(begin, c.length);
      auto byte_id = [&](char byte) { return byte_ids_[static_cast<std::uint8_t>(byte)]; };
      if (std::ranges::none_of(bytes, [&](char byte) { return byte_id(byte) == kNoToken; })) {
        for (char byte : bytes) push_symbol(byte_id(byte), 1);
        continue;
      }
    }
    switch (missing_) {
      case BpeParts::Missing::kJoin:
        break;
      case BpeParts::Missing::kSeparate:
        push_symbol(kNoToken, c.length);
        break;
      case BpeParts::Missing::kUnknownRun:
        pending += c.length;
        break;
      case BpeParts::Missing::kUnknown:
        if (pending > 0) push_symbol(unknown_, pending);
        pending = c.length;
        break;
    }
  }
  if (pending > 0) push_symbol(unknown_, pending);
}

void BpeModel::propose(std::int32_t left) const {
  if (left < 0 || symbols_[left].next < 0) return;
  const TokenId a = symbols_[left].id;
  const TokenId b = symbols_[symbols_[left].next].id;
  // Two kNoToken would be kNoPair, the mark of an empty slot.
  if (a == kNoToken || b == kNoToken) return;
  const Merge* merge = find_merge(a, b);
  if (merge == nullptr) return;
  heap_.push_back({static_cast<std::uint64_t>(merge->rank) << 32 | static_cast<std::uint32_t>(left),
                   merge->pair, merge->result});
  std::push_heap(heap_.begin(), heap_.end(),
                 [](const Candidate& x, const Candidate& y) { return x.order > y.order; });
}

void BpeModel::merge_symbols() const {
  heap_.clear();
  for (std::size_t i = 0; i + 1 < symbols_.size(); ++i) propose(static_cast<std::int32_t>(i));
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(),
                  [](const Candidate& x, const Candidate& y) { return x.order > y.order; });
    const Candidate best = heap_.back();
    heap_.pop_back();
    const auto left = static_cast<std::int32_t>(best.order & 0xFFFFFFFF);
    Symbol& symbol = symbols_[left];
    // A candidate is stale when either half was merged away since; a symbol that was merged into
    // its left neighbour has kNoToken, which is in no pair.
    if (symbol.next < 0) continue;
    Symbol& right = symbols_[symbol.next];
    if (pair_of(symbol.id, right.id) != best.pair) continue;
    symbol.id = best.result;
    symbol.size += right.size;
    symbol.next = right.next;
    right.id = kNoToken;
    right.next = -1;
    if (symbol.next >= 0) symbols_[symbol.next].previous = left;
    propose(symbol.previous);
    propose(left);
  }
}

// What scores leave without a token: its bytes, or the unknown token for those that have none.
void BpeModel::put_bytes(std::string_view bytes, std::size_t offset, TokenSink& out) const {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const TokenId id = byte_ids_[static_cast<std::uint8_t>(bytes[i])];
    if (id != kNoToken) {
      out.add(id, offset + i, offset + i + 1);
    } else if (unknown_ != kNoToken) {
      out.add(unknown_, offset + i, offset + i + 1);
    }
  }
}

bool BpeModel::put_whole_word(std::string_view word, TokenSink& out) const {
  if (words_.empty()) return false;
  auto whole = words_.find(std::string(word));
  if (whole == words_.end()) return false;
  out.add(whole->second, 0, word.size());
  return true;
}

void BpeModel::merge_word(std::string_view word, std::size_t offset, TokenSink& out) const {
  // A word that is cut into parts was looked up before it was cut.
  if (neighbours_.empty() && put_whole_word(word, out)) return;
  symbols_.clear();
  if (alphabet_ == BpeParts::Alphabet::kBytes) {
    start_bytes(word);
  } else {
    start_characters(word);
  }
  if (symbols_.empty()) return;
  symbols_.back().next = -1;
  merge_symbols();
  std::size_t at = 0;
  for (std::int32_t i = 0; i >= 0; i = symbols_[i].next) {
    const Symbol& symbol = symbols_[i];
    if (symbol.id < first_pseudo_) {
      out.add(symbol.id, offset + at, offset + at + symbol.size);
    } else if (first_pseudo_ != kNoToken) {
      put_bytes(word.substr(at, symbol.size), offset + at, out);
    }
    at += symbol.size;
  }
}

// Through the cache.
void BpeModel::encode_part(std::string_view part, std::size_t offset, TokenSink& out) const {
  if (part.size() > CacheSlot::kKeyBytes) {
    merge_word(part, offset, out);
    return;
  }
  if (cache_.empty()) {
    cache_.resize(kCacheSlots);
    cache_ends_.resize(kCacheSlots);
  }
  const std::size_t index = std::hash<std::string_view>{}(part) % kCacheSlots;
  CacheSlot& slot = cache_[index];
  CacheEnds& ends = cache_ends_[index];
  const bool found =
      slot.key_size == part.size() && std::memcmp(slot.key.data(), part.data(), part.size()) == 0;
  const std::size_t before = out.size();
  if (!out.tracked()) {
    if (found) {
      out.ids().insert(out.ids().end(), slot.ids.begin(), slot.ids.begin() + slot.count);
      return;
    }
    merge_word(part, offset, out);
  } else {
    if (found && ends[0] != 0) {
      std::size_t begin = 0;
      for (std::size_t i = 0; i < slot.count; ++i) {
        out.add(slot.ids[i], offset + begin, offset + ends[i]);
        begin = ends[i];
      }
      return;
    }
    merge_word(part, offset, out);
  }
  const std::size_t count = out.size() - before;
  if (count > CacheSlot::kIds) return;
  slot.key_size = static_cast<std::uint8_t>(part.size());
  slot.count = static_cast<std::uint8_t>(count);
  std::memcpy(slot.key.data(), part.data(), part.size());
  std::copy_n(out.ids().begin() + static_cast<std::ptrdiff_t>(before), count, slot.ids.begin());
  ends[0] = 0;  // not known
  if (!out.tracked()) return;
  std::size_t end = offset;
  for (std::size_t i = 0; i < count; ++i) {
    const Span& span = out.span(before + i);
    if (span.begin != end) {
      // Something between two tokens has none, which ends cannot say.
      ends[0] = 0;
      return;
    }
    end = span.end;
    ends[i] = static_cast<std::uint8_t>(end - offset);
  }
}

void BpeModel::encode_word(std::string_view word, TokenSink& out) const {
  if (word.empty()) return;
  // Positions are of 31 bits; encode() takes no text that long.
  HEARTH_CHECK(word.size() <= 0x7FFFFFFF);
  if (alphabet_ == BpeParts::Alphabet::kBytes && word.size() == 1 &&
      byte_ids_[static_cast<std::uint8_t>(word[0])] != kNoToken) {
    out.add(byte_ids_[static_cast<std::uint8_t>(word[0])], 0, 1);
    return;
  }
  if (neighbours_.empty()) {
    encode_part(word, 0, out);
    return;
  }
  if (put_whole_word(word, out)) return;
  // SentencePiece's words are whole texts. They are cut where no merge reaches across, and only
  // between characters that have tokens: others may join into one unknown token, or be spelt in
  // bytes that merge.
  std::size_t start = 0;
  Utf8Char left = decode_utf8(word, 0);
  bool left_known = characters_[0].find(left.code) != kNoToken;
  for (std::size_t at = left.length; at < word.size();) {
    const Utf8Char right = decode_utf8(word, at);
    const bool right_known = characters_[0].find(right.code) != kNoToken;
    if (left_known && right_known && at - start >= kShortestPart &&
        !may_be_neighbours(left.code, right.code)) {
      encode_part(word.substr(start, at - start), start, out);
      start = at;
    }
    left = right;
    left_known = right_known;
    at += right.length;
  }
  encode_part(word.substr(start), start, out);
}

}  // namespace hearth
