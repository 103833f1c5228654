// Normalization forms: see normalization.h. A text is decomposed, its marks are put in their
// canonical order, and for the composed forms pairs are composed again (UAX #15, and The Unicode
// Standard, sections 3.11 and 3.12).
#include "text/normalization.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "text/rewriter.h"

namespace hearth {
namespace {

#include "normalization_tables.inc"

// Hangul syllables are arithmetic: a leading consonant, a vowel and perhaps a trailing consonant.
constexpr char32_t kSyllables = 0xAC00;
constexpr char32_t kLeading = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTrailing = 0x11A7;  // one before the first: 0 stands for none
constexpr char32_t kLeadingCount = 19;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTrailingCount = 28;
constexpr char32_t kSyllableCount = kLeadingCount * kVowelCount * kTrailingCount;

// A character on its way, and how it changes the count of characters (rewriter.h).
struct Part {
  char32_t code;
  std::uint8_t combining_class;
  int change;
};

template <std::size_t kCount>
std::span<const char32_t> find_parts(const char32_t (&codes)[kCount],
                                     const std::uint16_t (&ends)[kCount], const char32_t* parts,
                                     char32_t code) {
  const char32_t* found = std::ranges::lower_bound(codes, code);
  if (found == std::end(codes) || *found != code) return {};
  const std::size_t index = found - codes;
  const std::size_t begin = index == 0 ? 0 : ends[index - 1];
  return {parts + begin, ends[index] - begin};
}

std::span<const char32_t> decomposition(char32_t code, bool compatible) {
  if (compatible) {
    const auto parts = find_parts(kCompatibleCodes, kCompatibleEnds, kCompatibleParts, code);
    if (!parts.empty()) return parts;
  }
  return find_parts(kCanonicalCodes, kCanonicalEnds, kCanonicalParts, code);
}

std::optional<char32_t> compose(char32_t first, char32_t second) {
  if (first - kLeading < kLeadingCount && second - kVowels < kVowelCount) {
    return kSyllables + ((first - kLeading) * kVowelCount + (second - kVowels)) * kTrailingCount;
  }
  if (first - kSyllables < kSyllableCount && (first - kSyllables) % kTrailingCount == 0 &&
      second > kTrailing && second - kTrailing < kTrailingCount) {
    return first + (second - kTrailing);
  }
  const std::uint64_t pair = static_cast<std::uint64_t>(first) << 32 | second;
  const std::uint64_t* found = std::ranges::lower_bound(kComposedPairs, pair);
  if (found == std::end(kComposedPairs) || *found != pair) return std::nullopt;
  return kComposedCodes[found - kComposedPairs];
}

class Run {
 public:
  Run(NormalForm form, Rewriter& out)
      : compatible_(form == NormalForm::kNfkd || form == NormalForm::kNfkc),
        composed_(form == NormalForm::kNfc || form == NormalForm::kNfkc),
        out_(out) {}

  void take(char32_t code) {
    if (code < 0x80) {
      push(code, 0);
    } else if (const char32_t index = code - kSyllables; index < kSyllableCount) {
      push(kLeading + index / (kVowelCount * kTrailingCount), 0);
      push(kVowels + index / kTrailingCount % kVowelCount, 1);
      if (index % kTrailingCount != 0) push(kTrailing + index % kTrailingCount, 1);
    } else if (const auto parts = decomposition(code, compatible_); !parts.empty()) {
      for (std::size_t i = 0; i < parts.size(); ++i) push(parts[i], i > 0 ? 1 : 0);
    } else {
      push(code, 0);
    }
  }

  void finish() {
    flush();
    if (starter_) emit_composed();
  }

 private:
  void push(char32_t code, int change) {
    const std::uint8_t combining_class = code < 0x80 ? 0 : char_kind(code).combining_class;
    if (combining_class == 0) flush();
    pending_.push_back({code, combining_class, change});
    if (combining_class == 0) flush();
  }

  // Marks are ordered by their class; characters of class 0 stay where they are.
  void flush() {
    if (pending_.size() > 1) {
      std::ranges::stable_sort(pending_, {}, &Part::combining_class);
    }
    for (const Part& part : pending_) {
      if (composed_) {
        add_composed(part);
      } else {
        out_.put(part.code, part.change);
      }
    }
    pending_.clear();
  }

  // A mark composes with the starter before it unless a mark between them blocks it: one of the
  // same or a higher class.
  void add_composed(const Part& part) {
    if (!starter_) {
      if (part.combining_class != 0) {
        out_.put(part.code, part.change);
      } else {
        starter_ = part;
      }
      return;
    }
    const bool blocked = !marks_.empty() && marks_.back().combining_class >= part.combining_class;
    if (!blocked) {
      if (const auto code = compose(starter_->code, part.code)) {
        // What takes two characters' places replaces one more, unless that one was added.
        starter_->code = *code;
        starter_->change += part.change - 1;
        return;
      }
    }
    if (part.combining_class != 0) {
      marks_.push_back(part);
      return;
    }
    emit_composed();
    starter_ = part;
  }

  void emit_composed() {
    out_.put(starter_->code, starter_->change);
    for (const Part& mark : marks_) out_.put(mark.code, mark.change);
    marks_.clear();
    starter_.reset();
  }

  bool compatible_;
  bool composed_;
  Rewriter& out_;
  std::vector<Part> pending_;
  std::optional<Part> starter_;
  std::vector<Part> marks_;
};

// Whether the text is in the form already, for all that the quick check of UAX #15 can tell.
bool is_normal(std::string_view text, NormalForm form) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  const auto flag = static_cast<std::uint8_t>(1U << static_cast<unsigned>(form));
  std::uint8_t last = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text.size() - at >= 8 && (load_le<std::uint64_t>(text.data() + at) & kHighBits) == 0) {
      at += 8;
      last = 0;
      continue;
    }
    const Utf8Char c = decode_utf8(text, at);
    at += c.length;
    const CharKind kind = char_kind(c.code);
    if ((kind.flags & flag) != 0) return false;
    if (kind.combining_class != 0 && kind.combining_class < last) return false;
    last = kind.combining_class;
  }
  return true;
}

}  // namespace

CharKind char_kind(char32_t code) {
  if (code >= 0x110000) return kKinds[0];
  return kKinds[kKindBlocks[kKindIndex[code / kKindBlockSize] * kKindBlockSize +
                            code % kKindBlockSize]];
}

char32_t lower_case(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  const char32_t* found = std::ranges::lower_bound(kUpperCodes, code);
  return found == std::end(kUpperCodes) || *found != code ? code : kLowerCodes[found - kUpperCodes];
}

bool UnicodeForm::apply(const Slice& in, AlignedText& out) const {
  if (is_normal(in.text, form_)) return false;
  Rewriter rewriter(in, out);
  Run run(form_, rewriter);
  for_each_character(in.text, [&](char32_t code, std::size_t, std::size_t) { run.take(code); });
  run.finish();
  return true;
}

}  // namespace hearth
