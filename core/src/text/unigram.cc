// Encoding by the unigram model: see unigram.h.
#include "text/unigram.h"

#include <algorithm>

#include "text/byte_token.h"
#include "text/utf8.h"

namespace hearth {
namespace {

constexpr std::uint32_t kUnreached = 0xFFFFFFFF;
constexpr TokenId kNoByte = 0xFFFFFFFF;

// SentencePiece's: an unknown character scores this much less than the least likely token.
constexpr double kUnknownPenalty = 10;

std::size_t total_bytes(const std::vector<std::string_view>& texts) {
  std::size_t bytes = 0;
  for (std::string_view text : texts) bytes += text.size();
  return bytes;
}

}  // namespace

UnigramModel::UnigramModel(const UnigramParts& parts)
    : trie_(total_bytes(parts.tokens)),
      scores_(parts.scores),
      unknown_(parts.unknown),
      byte_fallback_(parts.byte_fallback) {
  byte_ids_.fill(kNoByte);
  double least = 0;
  for (TokenId id = 0; id < parts.tokens.size(); ++id) {
    trie_.add(parts.tokens[id], id);
    least = id == 0 ? scores_[id] : std::min(least, scores_[id]);
    if (const auto byte = byte_token(parts.tokens[id])) {
      byte_ids_[static_cast<std::uint8_t>(*byte)] = id;
    }
  }
  unknown_score_ = least - kUnknownPenalty;
}

// An unknown stretch becomes bytes if it can.
void UnigramModel::put(std::string_view word, const Cut& cut, TokenSink& out) const {
  if (cut.id != unknown_) {
    out.add(cut.id, cut.begin, cut.end);
    return;
  }
  const std::string_view bytes = word.substr(cut.begin, cut.end - cut.begin);
  const auto byte_id = [&](char byte) { return byte_ids_[static_cast<std::uint8_t>(byte)]; };
  if (byte_fallback_ &&
      std::ranges::none_of(bytes, [&](char byte) { return byte_id(byte) == kNoByte; })) {
    for (char byte : bytes) out.add(byte_id(byte), cut.begin, cut.end);
    return;
  }
  out.add(cut.id, cut.begin, cut.end);
}

void UnigramModel::encode_word(std::string_view word, TokenSink& out) const {
  nodes_.assign(word.size() + 1, {0, 0, kUnreached});
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = decode_utf8(word, at).length;
    const double score = nodes_[at].score;
    const auto offer = [&](std::size_t end, TokenId id, double candidate) {
      Node& node = nodes_[end];
      if (node.start == kUnreached || candidate > node.score) {
        node = {candidate, id, static_cast<std::uint32_t>(at)};
      }
    };
    bool single = false;
    trie_.prefixes(word.substr(at), [&](std::size_t size, std::uint32_t id) {
      offer(at + size, id, score + scores_[id]);
      single |= size == length;
    });
    if (!single) {
      if (!unknown_) {
        out.fail();
        return;
      }
      offer(at + length, *unknown_, score + unknown_score_);
    }
    at += length;
  }
  cuts_.clear();
  for (auto end = static_cast<std::uint32_t>(word.size()); end > 0;) {
    const Node& node = nodes_[end];
    if (!cuts_.empty() && unknown_ && node.id == *unknown_ && cuts_.back().id == *unknown_) {
      cuts_.back().begin = node.start;
    } else {
      cuts_.push_back({node.start, end, node.id});
    }
    end = node.start;
  }
  for (std::size_t i = cuts_.size(); i-- > 0;) put(word, cuts_[i], out);
}

}  // namespace hearth
