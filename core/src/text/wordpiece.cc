// Encoding words by a list of words and of their pieces: see wordpiece.h.
#include "text/wordpiece.h"

#include "text/utf8.h"

namespace hearth {
namespace {

std::size_t total_bytes(const std::unordered_map<std::string_view, TokenId>& ids) {
  std::size_t bytes = 0;
  for (const auto& [text, id] : ids) bytes += text.size();
  return bytes;
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (char byte : text) count += is_continuation(byte) ? 0 : 1;
  return count;
}

}  // namespace

WordPieceModel::WordPieceModel(const WordPieceParts& parts)
    : starts_(total_bytes(parts.ids)),
      continues_(total_bytes(parts.ids)),
      max_characters_(parts.max_characters),
      unknown_(parts.unknown) {
  for (const auto& [text, id] : parts.ids) {
    starts_.add(text, id);
    if (text.starts_with(parts.continuing_prefix)) {
      continues_.add(text.substr(parts.continuing_prefix.size()), id);
    }
  }
}

void WordPieceModel::encode_word(std::string_view word, TokenSink& out) const {
  const std::size_t before = out.size();
  bool known = count_characters(word) <= max_characters_;
  for (std::size_t at = 0; known && at < word.size();) {
    std::size_t length = 0;
    TokenId best = 0;
    const Trie& trie = at == 0 ? starts_ : continues_;
    trie.prefixes(word.substr(at), [&](std::size_t size, std::uint32_t id) {
      length = size;
      best = id;
    });
    known = length > 0;
    if (known) out.add(best, at, at + length);
    at += length;
  }
  if (known) return;
  out.truncate(before);
  out.add(unknown_, 0, word.size());
}

WordLevelModel::WordLevelModel(const std::unordered_map<std::string_view, TokenId>& ids,
                               std::optional<TokenId> unknown)
    : unknown_(unknown) {
  ids_.reserve(ids.size());
  for (const auto& [text, id] : ids) ids_.emplace(text, id);
}

void WordLevelModel::encode_word(std::string_view word, TokenSink& out) const {
  if (auto found = ids_.find(std::string(word)); found != ids_.end()) {
    out.add(found->second, 0, word.size());
  } else if (unknown_) {
    out.add(*unknown_, 0, word.size());
  } else {
    out.fail();
  }
}

}  // namespace hearth
