// Finding added tokens: see added_tokens.h.
#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "text/unicode.h"
#include "text/utf8.h"

namespace hearth {
namespace {

// Where the character that ends at `end` starts; `end` > 0. Text is valid UTF-8.
std::size_t character_before(std::string_view text, std::size_t end) {
  std::size_t at = end - 1;
  while (at > 0 && (static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

CharClass class_at(std::string_view text, std::size_t at) {
  return char_class(decode_utf8(text, at).code);
}

bool inside_word(std::string_view text, std::size_t begin, std::size_t end) {
  const bool before = begin > 0 && class_at(text, character_before(text, begin)).is_word();
  const bool after = end < text.size() && class_at(text, end).is_word();
  return before || after;
}

}  // namespace

void AddedTokens::Matcher::build() {
  std::erase_if(tokens, [](const AddedToken& token) {
    return token.content.empty() || !is_valid_utf8(token.content);
  });
  std::ranges::stable_sort(tokens, {}, &AddedToken::content);
  auto same = std::ranges::unique(tokens, {}, &AddedToken::content);
  tokens.erase(same.begin(), same.end());
  for (const AddedToken& token : tokens) starts[static_cast<std::uint8_t>(token.content[0])] = true;
}

// Calls found(token) for each token that the text has at `at`, shortest first.
template <typename Found>
void AddedTokens::Matcher::matches_at(std::string_view text, std::size_t at, Found&& found) const {
  if (!starts[static_cast<std::uint8_t>(text[at])]) return;
  auto first = tokens.begin();
  auto last = tokens.end();
  for (std::size_t depth = 0; at + depth < text.size() && first != last; ++depth) {
    const auto byte = static_cast<std::uint8_t>(text[at + depth]);
    // Those in the range share `depth` bytes and are longer than that.
    auto narrowed = std::ranges::equal_range(first, last, byte, {}, [&](const AddedToken& token) {
      return static_cast<std::uint8_t>(token.content[depth]);
    });
    first = narrowed.begin();
    last = narrowed.end();
    if (first != last && first->content.size() == depth + 1) {
      found(*first);
      ++first;
    }
  }
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, Order order) : order_(order) {
  for (AddedToken& token : tokens) {
    ids_.push_back(token.id);
    Matcher& matcher = token.normalized ? normalized_ : plain_;
    matcher.tokens.push_back(std::move(token));
  }
  std::ranges::sort(ids_);
  plain_.build();
  normalized_.build();
}

std::vector<AddedTokens::Piece> AddedTokens::split_leftmost(const Matcher& matcher,
                                                            std::string_view text,
                                                            bool parse_special) {
  std::vector<Piece> out;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* best = nullptr;
    matcher.matches_at(text, at, [&](const AddedToken& token) { best = &token; });
    if (best == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    std::size_t end = at + best->content.size();
    // What is found and refused is passed over whole, as tokenizers does.
    at = end;
    if (best->special && !parse_special) continue;
    if (best->single_word && inside_word(text, begin, end)) continue;
    if (best->lstrip) {
      while (begin > done) {
        const std::size_t before = character_before(text, begin);
        if (!class_at(text, before).is_space()) break;
        begin = before;
      }
    }
    if (best->rstrip) {
      while (end < text.size() && class_at(text, end).is_space()) {
        end += decode_utf8(text, end).length;
      }
    }
    if (done < begin) out.push_back({done, begin});
    out.push_back({begin, end, true, best->id});
    done = std::max(done, end);
  }
  if (done < text.size()) out.push_back({done, text.size()});
  return out;
}

std::vector<AddedTokens::Piece> AddedTokens::split_longest(std::string_view text,
                                                           bool parse_special) const {
  std::vector<Piece> found;
  for (std::size_t at = 0; at < text.size(); ++at) {
    plain_.matches_at(text, at, [&](const AddedToken& token) {
      if (token.special && !parse_special) return;
      found.push_back({at, at + token.content.size(), true, token.id});
    });
  }
  std::ranges::sort(found, [](const Piece& a, const Piece& b) {
    const std::size_t a_size = a.end - a.begin;
    const std::size_t b_size = b.end - b.begin;
    if (a_size != b_size) return a_size > b_size;
    return a.id != b.id ? a.id < b.id : a.begin < b.begin;
  });
  std::vector<Piece> pieces;
  if (found.empty()) {
    if (!text.empty()) pieces.push_back({0, text.size()});
    return pieces;
  }
  // What is taken is at least as long as what comes after it here, so that an overlap always covers
  // the later one's first or last byte.
  std::vector<bool> taken(text.size());
  std::vector<Piece> chosen;
  for (const Piece& piece : found) {
    if (taken[piece.begin] || taken[piece.end - 1]) continue;
    std::fill(taken.begin() + static_cast<std::ptrdiff_t>(piece.begin),
              taken.begin() + static_cast<std::ptrdiff_t>(piece.end), true);
    chosen.push_back(piece);
  }
  std::ranges::sort(chosen, {}, &Piece::begin);
  std::size_t done = 0;
  for (const Piece& piece : chosen) {
    if (done < piece.begin) pieces.push_back({done, piece.begin});
    pieces.push_back(piece);
    done = piece.end;
  }
  if (done < text.size()) pieces.push_back({done, text.size()});
  return pieces;
}

std::vector<AddedTokens::Piece> AddedTokens::split(std::string_view text,
                                                   bool parse_special) const {
  if (order_ == Order::kLongest) return split_longest(text, parse_special);
  return split_leftmost(plain_, text, parse_special);
}

std::vector<AddedTokens::Piece> AddedTokens::split_normalized(std::string_view text,
                                                              bool parse_special) const {
  return split_leftmost(normalized_, text, parse_special);
}

}  // namespace hearth
