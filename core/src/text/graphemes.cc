// Grapheme clusters: see graphemes.h. The rules' numbers are those of UAX #29, section 3.1.1.
#include "text/graphemes.h"

#include "text/normalization.h"
#include "text/utf8.h"

namespace hearth {
namespace {

using Break = GraphemeBreak;

bool is_control(Break kind) {
  return kind == Break::kCr || kind == Break::kLf || kind == Break::kControl;
}

// Hangul syllables: GB6, GB7 and GB8.
bool is_syllable(Break left, Break right) {
  switch (left) {
    case Break::kL:
      return right == Break::kL || right == Break::kV || right == Break::kLv ||
             right == Break::kLvt;
    case Break::kLv:
    case Break::kV:
      return right == Break::kV || right == Break::kT;
    case Break::kLvt:
    case Break::kT:
      return right == Break::kT;
    default:
      return false;
  }
}

}  // namespace

std::size_t grapheme_end(std::string_view text, std::size_t at) {
  Utf8Char c = decode_utf8(text, at);
  CharKind left = char_kind(c.code);
  at += c.length;
  bool pictographic = left.is_pictographic();  // \p{ExtPict} Extend*, then perhaps ZWJ
  int indicators = left.grapheme_break == Break::kRegionalIndicator ? 1 : 0;
  for (; at < text.size(); at += c.length) {
    c = decode_utf8(text, at);
    const CharKind right = char_kind(c.code);
    const Break a = left.grapheme_break;
    const Break b = right.grapheme_break;
    if (a == Break::kCr && b == Break::kLf) return at + c.length;  // GB3
    if (is_control(a) || is_control(b)) return at;                 // GB4, GB5
    const bool joined = is_syllable(a, b) || b == Break::kExtend ||
                        b == Break::kZwj ||                                  // GB6 to GB9
                        b == Break::kSpacingMark || a == Break::kPrepend ||  // GB9a, GB9b
                        (pictographic && a == Break::kZwj && right.is_pictographic()) ||  // GB11
                        (b == Break::kRegionalIndicator && indicators % 2 == 1);  // GB12, GB13
    if (!joined) return at;
    pictographic = right.is_pictographic() ||
                   (pictographic && a != Break::kZwj && (b == Break::kExtend || b == Break::kZwj));
    indicators = b == Break::kRegionalIndicator ? indicators + 1 : 0;
    left = right;
  }
  return at;
}

}  // namespace hearth
