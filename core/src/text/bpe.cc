// Byte-level BPE: see bpe.h.
#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <utility>

#include "base/cat.h"
#include "base/check.h"
#include "text/byte_level.h"

namespace hearth {
namespace {

// 8,192 slots of 64 bytes: 512 KB, which holds the common words of a long text.
constexpr std::size_t kCacheSlots = 8192;

std::uint64_t pair_of(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(left) << 32 | right;
}

// Fibonacci hashing: the constant is 2^64 divided by the golden ratio.
std::size_t pair_slot(std::uint64_t pair, std::size_t slots) {
  return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15u) >> 32) & (slots - 1);
}

}  // namespace

const BpeModel::Merge* BpeModel::find_merge(TokenId left, TokenId right) const {
  const std::uint64_t pair = pair_of(left, right);
  const std::size_t mask = merges_.size() - 1;
  for (std::size_t slot = pair_slot(pair, merges_.size());; slot = (slot + 1) & mask) {
    if (merges_[slot].pair == pair) return &merges_[slot];
    if (merges_[slot].pair == kNoPair) return nullptr;
  }
}

void BpeModel::insert_merge(const Merge& merge) {
  const std::size_t mask = merges_.size() - 1;
  std::size_t slot = pair_slot(merge.pair, merges_.size());
  while (merges_[slot].pair != kNoPair && merges_[slot].pair != merge.pair) {
    slot = (slot + 1) & mask;
  }
  // Of a pair listed twice the later rank counts, as in the map that tokenizers reads merges into.
  merges_[slot] = merge;
}

Result<std::unique_ptr<BpeModel>> BpeModel::make(const BpeParts& parts) {
  std::unique_ptr<BpeModel> model(new BpeModel);
  model->missing_ = parts.missing;
  model->unknown_ = parts.unknown;
  for (int byte = 0; byte < 256; ++byte) {
    const char bytes[] = {static_cast<char>(byte)};
    std::string written;
    append_byte_level_encoded({bytes, 1}, written);
    auto found = parts.ids.find(written);
    model->byte_ids_[byte] = found == parts.ids.end() ? kNoToken : found->second;
  }

  // At least one slot stays empty, where a search for a pair that is absent ends.
  model->merges_.resize(std::bit_ceil(2 * parts.merges.size() + 1));
  std::string joined;
  std::uint32_t rank = 0;
  for (const auto& [left, right] : parts.merges) {
    joined.assign(left);
    joined += right;
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
    model->insert_merge({pair_of(ids[0], ids[1]), rank++, ids[2]});
  }

  if (parts.whole_words) {
    model->words_.reserve(parts.ids.size());
    for (const auto& [written, id] : parts.ids) {
      std::string bytes;
      if (append_byte_level_decoded(written, bytes)) model->words_.emplace(std::move(bytes), id);
    }
  }
  return model;
}

void BpeModel::start_symbols(std::string_view word) const {
  symbols_.clear();
  bool in_unknown_run = false;
  for (char c : word) {
    TokenId id = byte_ids_[static_cast<std::uint8_t>(c)];
    const bool known = id != kNoToken;
    if (!known) {
      if (missing_ == BpeParts::Missing::kJoin) continue;
      if (missing_ == BpeParts::Missing::kUnknownRun && in_unknown_run) continue;
      // For kSeparate this is kNoToken: a symbol that no merge knows.
      id = unknown_;
    }
    in_unknown_run = !known;
    const auto index = static_cast<std::int32_t>(symbols_.size());
    symbols_.push_back({id, index - 1, index + 1});
  }
  if (!symbols_.empty()) symbols_.back().next = -1;
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

void BpeModel::merge_word(std::string_view word, std::vector<TokenId>& out) const {
  start_symbols(word);
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
    symbol.next = right.next;
    right.id = kNoToken;
    right.next = -1;
    if (symbol.next >= 0) symbols_[symbol.next].previous = left;
    propose(symbol.previous);
    propose(left);
  }
  for (std::int32_t i = symbols_.empty() ? -1 : 0; i >= 0; i = symbols_[i].next) {
    if (symbols_[i].id != kNoToken) out.push_back(symbols_[i].id);
  }
}

void BpeModel::encode_word(std::string_view word, std::vector<TokenId>& out) const {
  if (word.empty()) return;
  // Positions are 31 bits; a text of 2 GB does not fit the wasm that this is for.
  HEARTH_CHECK(word.size() < 0x7FFFFFFF);
  if (word.size() == 1 && byte_ids_[static_cast<std::uint8_t>(word[0])] != kNoToken) {
    out.push_back(byte_ids_[static_cast<std::uint8_t>(word[0])]);
    return;
  }
  CacheSlot* slot = nullptr;
  if (word.size() <= CacheSlot::kKeyBytes) {
    if (cache_.empty()) cache_.resize(kCacheSlots);
    slot = &cache_[std::hash<std::string_view>{}(word) % kCacheSlots];
    if (slot->key_size == word.size() &&
        std::memcmp(slot->key.data(), word.data(), word.size()) == 0) {
      out.insert(out.end(), slot->ids.begin(), slot->ids.begin() + slot->count);
      return;
    }
  }
  const std::size_t before = out.size();
  auto whole = words_.empty() ? words_.end() : words_.find(std::string(word));
  if (whole != words_.end()) {
    out.push_back(whole->second);
  } else {
    merge_word(word, out);
  }
  const std::size_t count = out.size() - before;
  if (slot != nullptr && count <= CacheSlot::kIds) {
    slot->key_size = static_cast<std::uint8_t>(word.size());
    slot->count = static_cast<std::uint8_t>(count);
    std::memcpy(slot->key.data(), word.data(), word.size());
    std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(before), count, slot->ids.begin());
  }
}

}  // namespace hearth
