// Precompiled character maps: see charsmap.h.
#include "text/charsmap.h"

#include "base/bytes.h"
#include "text/graphemes.h"
#include "text/rewriter.h"

namespace hearth {
namespace {

// A unit of the double array: a label in the low byte with bit 31, which leaves have and labels do
// not; bit 8, whether a rule ends here; and where its children are, in steps of 256 with bit 9.
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t label(std::uint32_t unit) { return unit & (1U << 31 | 0xFF); }
std::uint32_t children(std::uint32_t unit) { return (unit >> 10) << ((unit & 1U << 9) >> 6); }
std::uint32_t leaf_value(std::uint32_t unit) { return unit & ((1U << 31) - 1); }

// What tokenizers takes as one in the map's eyes: clusters of fewer bytes.
constexpr std::size_t kLongCluster = 6;

std::unexpected<Error> malformed(std::string sentence) {
  return fail(ErrorCode::kMalformedTokenizer, std::move(sentence), "precompiled_charsmap");
}

}  // namespace

Result<Charsmap> Charsmap::make(std::string_view bytes) {
  Charsmap map;
  if (bytes.size() < 4) return malformed("The character map has no size.");
  const std::uint32_t size = load_le<std::uint32_t>(bytes.data());
  if (size % 4 != 0 || size == 0 || size > bytes.size() - 4) {
    return malformed("The character map's trie is not inside it.");
  }
  map.units_.resize(size / 4);
  for (std::size_t i = 0; i < map.units_.size(); ++i) {
    map.units_[i] = load_le<std::uint32_t>(bytes.data() + 4 + 4 * i);
  }
  map.contents_ = bytes.substr(4 + size);
  if (!is_valid_utf8(map.contents_)) {
    return malformed("The character map's replacements are no UTF-8.");
  }
  return map;
}

// Every place comes from the file, so each is held against the trie's size.
std::optional<Charsmap::Match> Charsmap::find(std::string_view text, bool longest) const {
  std::optional<Match> best;
  std::uint32_t at = children(units_[0]);
  for (std::size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    at ^= byte;
    if (at >= units_.size() || label(units_[at]) != byte) break;
    const std::uint32_t unit = units_[at];
    at ^= children(unit);
    if (!has_leaf(unit)) continue;
    if (at >= units_.size()) break;
    const std::uint32_t begin = leaf_value(units_[at]);
    if (begin > contents_.size() ||
        (begin < contents_.size() && is_continuation(contents_[begin]))) {
      break;
    }
    std::string_view content = std::string_view(contents_).substr(begin);
    content = content.substr(0, content.find('\0'));
    best = Match{i + 1, content};
    if (!longest) break;
  }
  return best;
}

Result<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = c - 'A';
    } else if (c >= 'a' && c <= 'z') {
      value = c - 'a' + 26;
    } else if (c >= '0' && c <= '9') {
      value = c - '0' + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      return malformed("The character map is not in base 64.");
    }
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<char>(bits >> held));
    }
  }
  return bytes;
}

namespace {

// Writes what takes characters' places, as tokenizers counts them: of fewer characters than before,
// the last one written stands for the rest too.
class Replacer {
 public:
  explicit Replacer(Rewriter& out) : out_(out) {}

  void put(char32_t code, int change) {
    flush();
    last_ = {code, change};
    held_ = true;
  }
  // `content` in the place of `old_count` characters.
  void replace(std::string_view content, int old_count) {
    int count = 0;
    for_each_character(content, [&](char32_t code, std::size_t, std::size_t) {
      put(code, count < old_count ? 0 : 1);
      ++count;
    });
    if (count < old_count && held_) last_.change -= old_count - count;
  }
  void flush() {
    if (held_) out_.put(last_.code, last_.change);
    held_ = false;
  }

 private:
  struct Part {
    char32_t code = 0;
    int change = 0;
  };
  Rewriter& out_;
  Part last_;
  bool held_ = false;  // last_ is not yet written
};

int count_characters(std::string_view text) {
  int count = 0;
  for (char byte : text) count += is_continuation(byte) ? 0 : 1;
  return count;
}

}  // namespace

bool Precompiled::apply(const Slice& in, AlignedText& out) const {
  Rewriter rewriter(in, out);
  Replacer replacer(rewriter);
  bool changed = false;
  // Replaces a whole by the rule for a start of it, if there is one.
  const auto replaced = [&](std::string_view whole) {
    const auto match = map_.shortest(whole);
    if (!match) return false;
    replacer.replace(match->content, count_characters(whole));
    changed = true;
    return true;
  };
  for (std::size_t at = 0; at < in.text.size();) {
    const std::size_t end = grapheme_end(in.text, at);
    const std::string_view cluster = in.text.substr(at, end - at);
    at = end;
    if (cluster.size() < kLongCluster && replaced(cluster)) continue;
    for_each_character(cluster, [&](char32_t code, std::size_t begin, std::size_t stop) {
      if (!replaced(cluster.substr(begin, stop - begin))) replacer.put(code, 0);
    });
  }
  replacer.flush();
  return changed;
}

}  // namespace hearth
