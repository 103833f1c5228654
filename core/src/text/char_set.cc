// Sets of code points: see char_set.h. Names and meanings follow Oniguruma's doc/RE and
// doc/UNICODE_PROPERTIES; the data is the Unicode Character Database's.
#include "text/char_set.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>

namespace hearth {
namespace {

struct NamedScript {
  std::string_view name;
  std::uint8_t script;
};

#include "regex_tables.inc"

constexpr char32_t kEnd = 0x110000;

template <typename... Categories>
constexpr std::uint32_t bits(Categories... categories) {
  return ((std::uint32_t{1} << static_cast<unsigned>(categories)) | ...);
}

using enum GeneralCategory;

constexpr std::uint32_t kCasedLetters = bits(kLu, kLl, kLt);
constexpr std::uint32_t kLetters = kCasedLetters | bits(kLm, kLo);
constexpr std::uint32_t kMarks = bits(kMn, kMc, kMe);
constexpr std::uint32_t kNumbers = bits(kNd, kNl, kNo);
constexpr std::uint32_t kPunctuation = bits(kPc, kPd, kPs, kPe, kPi, kPf, kPo);
constexpr std::uint32_t kSymbols = bits(kSm, kSc, kSk, kSo);
constexpr std::uint32_t kSeparators = bits(kZs, kZl, kZp);
constexpr std::uint32_t kOthers = bits(kCc, kCf, kCn, kCs, kCo);

struct NamedCategories {
  std::string_view name;
  std::uint32_t categories;
};

// Short and long names of PropertyValueAliases.txt (gc), as `plain` leaves them.
constexpr NamedCategories kCategoryNames[] = {
    {"l", kLetters},
    {"letter", kLetters},
    {"lc", kCasedLetters},
    {"casedletter", kCasedLetters},
    {"lu", bits(kLu)},
    {"uppercaseletter", bits(kLu)},
    {"ll", bits(kLl)},
    {"lowercaseletter", bits(kLl)},
    {"lt", bits(kLt)},
    {"titlecaseletter", bits(kLt)},
    {"lm", bits(kLm)},
    {"modifierletter", bits(kLm)},
    {"lo", bits(kLo)},
    {"otherletter", bits(kLo)},
    {"m", kMarks},
    {"mark", kMarks},
    {"combiningmark", kMarks},
    {"mn", bits(kMn)},
    {"nonspacingmark", bits(kMn)},
    {"mc", bits(kMc)},
    {"spacingmark", bits(kMc)},
    {"me", bits(kMe)},
    {"enclosingmark", bits(kMe)},
    {"n", kNumbers},
    {"number", kNumbers},
    {"nd", bits(kNd)},
    {"decimalnumber", bits(kNd)},
    {"nl", bits(kNl)},
    {"letternumber", bits(kNl)},
    {"no", bits(kNo)},
    {"othernumber", bits(kNo)},
    {"p", kPunctuation},
    {"punct", kPunctuation},
    {"punctuation", kPunctuation},
    {"pc", bits(kPc)},
    {"connectorpunctuation", bits(kPc)},
    {"pd", bits(kPd)},
    {"dashpunctuation", bits(kPd)},
    {"ps", bits(kPs)},
    {"openpunctuation", bits(kPs)},
    {"pe", bits(kPe)},
    {"closepunctuation", bits(kPe)},
    {"pi", bits(kPi)},
    {"initialpunctuation", bits(kPi)},
    {"pf", bits(kPf)},
    {"finalpunctuation", bits(kPf)},
    {"po", bits(kPo)},
    {"otherpunctuation", bits(kPo)},
    {"s", kSymbols},
    {"symbol", kSymbols},
    {"sm", bits(kSm)},
    {"mathsymbol", bits(kSm)},
    {"sc", bits(kSc)},
    {"currencysymbol", bits(kSc)},
    {"sk", bits(kSk)},
    {"modifiersymbol", bits(kSk)},
    {"so", bits(kSo)},
    {"othersymbol", bits(kSo)},
    {"z", kSeparators},
    {"separator", kSeparators},
    {"zs", bits(kZs)},
    {"spaceseparator", bits(kZs)},
    {"zl", bits(kZl)},
    {"lineseparator", bits(kZl)},
    {"zp", bits(kZp)},
    {"paragraphseparator", bits(kZp)},
    {"c", kOthers},
    {"other", kOthers},
    {"cc", bits(kCc)},
    {"control", bits(kCc)},
    {"cf", bits(kCf)},
    {"format", bits(kCf)},
    {"cn", bits(kCn)},
    {"unassigned", bits(kCn)},
    {"co", bits(kCo)},
    {"privateuse", bits(kCo)},
    {"cs", bits(kCs)},
    {"surrogate", bits(kCs)},
};

CharSet alphabetic_set() {
  return CharSet(kLetters | bits(kNl)) | CharSet::ranges(kOtherAlphabetic);
}

CharSet script_set(std::uint32_t script) {
  std::vector<char32_t> bounds;
  for (std::size_t i = 0; i + 1 < std::size(kScriptStarts); ++i) {
    if ((kScriptStarts[i] & 0xFF) != script) continue;
    bounds.push_back(kScriptStarts[i] >> 8);
    bounds.push_back((kScriptStarts[i + 1] >> 8) - 1);
  }
  return CharSet::ranges(bounds);
}

// Names are compared without case, spaces, hyphens and underscores (UAX #44, rule LM3).
std::string plain(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  return out;
}

}  // namespace

CharSet::CharSet(std::uint32_t categories) : segments_{{0, categories}} { finish(); }

CharSet CharSet::range(char32_t first, char32_t last) {
  const char32_t bounds[] = {first, last};
  return ranges(bounds);
}

CharSet CharSet::ranges(std::span<const char32_t> bounds) {
  CharSet set;
  for (std::size_t i = 0; i < bounds.size(); i += 2) {
    // Where the last one ended, or the set starts, this one may go on.
    if (set.segments_.back().first == bounds[i]) set.segments_.pop_back();
    set.segments_.push_back({bounds[i], kEveryCategory});
    if (bounds[i + 1] + 1 < kEnd) set.segments_.push_back({bounds[i + 1] + 1, 0});
  }
  set.finish();
  return set;
}

void CharSet::finish() {
  ascii_ = {};
  std::size_t at = 0;
  for (char32_t code = 0; code < 128; ++code) {
    while (at + 1 < segments_.size() && segments_[at + 1].first <= code) ++at;
    const auto category = static_cast<unsigned>(char_class(code).category());
    if ((segments_[at].categories >> category & 1) != 0) {
      ascii_[code / 64] |= std::uint64_t{1} << (code % 64);
    }
  }
}

template <typename Combine>
CharSet CharSet::combine(const CharSet& left, const CharSet& right, Combine combine) {
  CharSet out;
  out.segments_.clear();
  for (std::size_t i = 0, j = 0; i < left.segments_.size() || j < right.segments_.size();) {
    // The next boundary of either side; at 0 both have one.
    const char32_t a = i < left.segments_.size() ? left.segments_[i].first : kEnd;
    const char32_t b = j < right.segments_.size() ? right.segments_[j].first : kEnd;
    const char32_t first = std::min(a, b);
    if (a == first) ++i;
    if (b == first) ++j;
    const std::uint32_t categories =
        combine(left.segments_[i - 1].categories, right.segments_[j - 1].categories);
    if (out.segments_.empty() || out.segments_.back().categories != categories) {
      out.segments_.push_back({first, categories});
    }
  }
  out.finish();
  return out;
}

CharSet CharSet::operator|(const CharSet& other) const {
  return combine(*this, other, [](std::uint32_t a, std::uint32_t b) { return a | b; });
}
CharSet CharSet::operator&(const CharSet& other) const {
  return combine(*this, other, [](std::uint32_t a, std::uint32_t b) { return a & b; });
}
CharSet CharSet::operator~() const {
  return combine(*this, *this, [](std::uint32_t a, std::uint32_t) { return ~a & kEveryCategory; });
}

bool CharSet::contains_slow(char32_t code) const {
  // Most sets say something about ASCII and one thing about all the rest: their last segment.
  auto segment = std::prev(segments_.end());
  if (code < segment->first) {
    segment = std::prev(
        std::upper_bound(segments_.begin(), segments_.end(), code,
                         [](char32_t value, const Segment& s) { return value < s.first; }));
  }
  if (segment->categories == 0 || segment->categories == kEveryCategory) {
    return segment->categories != 0;
  }
  return (segment->categories >> static_cast<unsigned>(char_class(code).category()) & 1) != 0;
}

bool CharSet::has_beyond_ascii() const {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const bool reaches = i + 1 == segments_.size() || segments_[i + 1].first > 128;
    if (reaches && segments_[i].categories != 0) return true;
  }
  return false;
}

bool CharSet::may_meet(const CharSet& other) const {
  const CharSet both = *this & other;
  return (both.ascii_[0] | both.ascii_[1]) != 0 || both.has_beyond_ascii();
}

CharSet CharSet::with_case_variants() const {
  // Folding never chains, so a set's variants are what its members fold to, and what folds to
  // those.
  std::vector<char32_t> folded;
  for (std::size_t i = 0; i < std::size(kSimpleFolds); i += 2) {
    if (contains(kSimpleFolds[i]) || contains(kSimpleFolds[i + 1])) {
      folded.push_back(kSimpleFolds[i + 1]);
    }
  }
  std::ranges::sort(folded);
  std::vector<char32_t> variants = folded;
  for (std::size_t i = 0; i < std::size(kSimpleFolds); i += 2) {
    if (std::ranges::binary_search(folded, kSimpleFolds[i + 1])) {
      variants.push_back(kSimpleFolds[i]);
    }
  }
  std::ranges::sort(variants);
  const auto repeated = std::ranges::unique(variants);
  variants.erase(repeated.begin(), repeated.end());
  std::vector<char32_t> bounds;
  for (char32_t code : variants) {
    bounds.push_back(code);
    bounds.push_back(code);
  }
  return *this | ranges(bounds);
}

bool CharSet::has_expanding() const {
  return std::ranges::any_of(kExpandingFolds, [&](char32_t code) { return contains(code); });
}

std::optional<CharSet> named_set(std::string_view name) {
  const std::string key = plain(name);
  for (const NamedCategories& entry : kCategoryNames) {
    if (entry.name == key) return CharSet(entry.categories);
  }
  for (const NamedScript& entry : kScriptNames) {
    if (entry.name == key) return script_set(entry.script);
  }
  if (key == "any") return CharSet::all();
  if (key == "assigned") return ~CharSet(bits(kCn));
  if (key == "alphabetic") return alphabetic_set();
  if (key == "lowercase") return posix_set("lower");
  if (key == "uppercase") return posix_set("upper");
  if (key == "whitespace") return space_set();
  // In \p{…} this is Unicode's, in a POSIX bracket symbols belong to it.
  if (key == "punct") return CharSet(kPunctuation);
  return posix_set(key);
}

std::optional<CharSet> posix_set(std::string_view name) {
  if (name == "alpha") return alphabetic_set();
  if (name == "alnum") return alphabetic_set() | CharSet(bits(kNd));
  if (name == "ascii") return CharSet::range(0, 0x7F);
  if (name == "blank") return CharSet(bits(kZs)) | CharSet::one('\t');
  if (name == "cntrl") return CharSet(bits(kCc));
  if (name == "digit") return digit_set();
  if (name == "graph") return ~(space_set() | CharSet(bits(kCc, kCn, kCs)));
  if (name == "lower") return CharSet(bits(kLl)) | CharSet::ranges(kOtherLowercase);
  if (name == "print") {
    return ~(space_set() | CharSet(bits(kCc, kCn, kCs))) | CharSet(bits(kZs));
  }
  if (name == "punct") return CharSet(kPunctuation | kSymbols);
  if (name == "space") return space_set();
  if (name == "upper") return CharSet(bits(kLu)) | CharSet::ranges(kOtherUppercase);
  if (name == "word") return word_set();
  if (name == "xdigit") return hex_digit_set();
  return std::nullopt;
}

CharSet space_set() {
  return CharSet(kSeparators) | CharSet::range('\t', '\r') | CharSet::one(0x85);
}

CharSet digit_set() { return CharSet(bits(kNd)); }

CharSet word_set() { return alphabetic_set() | CharSet(kMarks | bits(kNd, kPc)); }

CharSet loose_word_set() {
  static constexpr char32_t kLatin1[] = {0xB2, 0xB3, 0xB9, 0xB9, 0xBC, 0xBE};
  return word_set() | CharSet::ranges(kLatin1);
}

CharSet hex_digit_set() {
  return CharSet::range('0', '9') | CharSet::range('A', 'F') | CharSet::range('a', 'f');
}

char32_t fold_case(char32_t code) {
  for (std::size_t i = 0; i < std::size(kSimpleFolds); i += 2) {
    if (kSimpleFolds[i] == code) return kSimpleFolds[i + 1];
  }
  return code;
}

bool begins_expanded_fold(char32_t first, char32_t second) {
  for (std::size_t i = 0; i < std::size(kExpandedPairs); i += 2) {
    if (kExpandedPairs[i] == first && kExpandedPairs[i + 1] == second) return true;
  }
  return false;
}

}  // namespace hearth
