// Character by character: see simple_normalizers.h.
#include "text/simple_normalizers.h"

#include <algorithm>

#include "text/byte_level.h"
#include "text/normalization.h"
#include "text/rewriter.h"
#include "text/unicode.h"

namespace hearth {
namespace {

// Keeps the characters for which `keep` holds, each with its own span.
template <typename Keep>
bool filter(const Slice& in, AlignedText& out, Keep&& keep) {
  std::size_t start = 0;  // of what is kept and not yet copied
  bool changed = false;
  for_each_character(in.text, [&](char32_t code, std::size_t begin, std::size_t end) {
    if (keep(code)) return;
    out.copy(in, start, begin);
    start = end;
    changed = true;
  });
  if (changed) out.copy(in, start, in.text.size());
  return changed;
}

// Replaces each character by one other.
template <typename Map>
bool map(const Slice& in, AlignedText& out, Map&& to) {
  bool changed = false;
  for_each_character(in.text, [&](char32_t code, std::size_t begin, std::size_t end) {
    const char32_t mapped = to(code);
    if (mapped == code) {
      if (changed) out.copy(in, begin, end);
      return;
    }
    if (!changed) out.copy(in, 0, begin);
    changed = true;
    out.append(mapped, in.span(begin, end));
  });
  return changed;
}

bool in_range(char32_t code, char32_t first, char32_t last) { return code - first <= last - first; }

}  // namespace

bool Lowercase::apply(const Slice& in, AlignedText& out) const {
  // The only character whose lower case is two: i and a dot above.
  constexpr char32_t kDottedI = 0x130;
  constexpr char32_t kDotAbove = 0x307;
  bool changed = false;
  for_each_character(in.text, [&](char32_t code, std::size_t begin, std::size_t end) {
    const char32_t lower = lower_case(code);
    if (lower == code) {
      if (changed) out.copy(in, begin, end);
      return;
    }
    if (!changed) out.copy(in, 0, begin);
    changed = true;
    out.append(lower, in.span(begin, end));
    if (code == kDottedI) out.append(kDotAbove, in.span(begin, end));
  });
  return changed;
}

bool StripAccents::apply(const Slice& in, AlignedText& out) const {
  return filter(in, out, [](char32_t code) { return code < 0x80 || !char_class(code).is_mark(); });
}

bool Strip::apply(const Slice& in, AlignedText& out) const {
  std::size_t first = in.text.size();  // of what is no space
  std::size_t last = 0;
  for_each_character(in.text, [&](char32_t code, std::size_t begin, std::size_t end) {
    if (char_class(code).is_space()) return;
    first = std::min(first, begin);
    last = end;
  });
  const bool all_spaces = first > last;
  const std::size_t from = left_ ? first : 0;
  const std::size_t to = !right_ ? in.text.size() : all_spaces ? from : last;
  if (from == 0 && to == in.text.size()) return false;
  out.copy(in, from, to);
  return true;
}

bool Nmt::apply(const Slice& in, AlignedText& out) const {
  const auto keep = [](char32_t code) {
    return !(in_range(code, 0x1, 0x8) || code == 0xB || in_range(code, 0xE, 0x1F) || code == 0x7F ||
             code == 0x8F || code == 0x9F);
  };
  const auto to = [](char32_t code) -> char32_t {
    const bool space = code == '\t' || code == '\n' || code == '\f' || code == '\r' ||
                       code == 0x1680 || in_range(code, 0x200B, 0x200F) || code == 0x2028 ||
                       code == 0x2029 || code == 0x2581 || code == 0xFEFF || code == 0xFFFD;
    return space ? ' ' : code;
  };
  AlignedText kept;
  kept.start(in);
  const bool filtered = filter(in, kept, keep);
  const Slice rest = filtered ? kept.slice() : in;
  if (map(rest, out, to)) return true;
  if (filtered) out = std::move(kept);
  return filtered;
}

bool ByteLevelText::apply(const Slice& in, AlignedText& out) const {
  if (in.text.empty()) return false;
  std::string written;
  for_each_character(in.text, [&](char32_t, std::size_t begin, std::size_t end) {
    written.clear();
    append_byte_level_encoded(in.text.substr(begin, end - begin), written);
    out.append(written, in.span(begin, end));
  });
  return true;
}

namespace {

// The parts of BertNormalizer, as https://github.com/google-research/bert has them.

// Without control characters, and all spaces as U+0020.
class BertClean final : public Normalizer {
 public:
  bool apply(const Slice& in, AlignedText& out) const override {
    const auto keep = [](char32_t code) {
      if (code == '\t' || code == '\n' || code == '\r') return true;
      if (code == 0 || code == kReplacementCharacter) return false;
      const GeneralCategory category = char_class(code).category();
      return category != GeneralCategory::kCc && category != GeneralCategory::kCo &&
             (category != GeneralCategory::kCf || char_kind(code).after_unicode_8());
    };
    const auto to = [](char32_t code) { return char_class(code).is_space() ? U' ' : code; };
    AlignedText kept;
    kept.start(in);
    const bool filtered = filter(in, kept, keep);
    if (map(filtered ? kept.slice() : in, out, to)) return true;
    if (filtered) out = std::move(kept);
    return filtered;
  }
};

class BertChinese final : public Normalizer {
 public:
  bool apply(const Slice& in, AlignedText& out) const override {
    bool changed = false;
    for_each_character(in.text, [&](char32_t code, std::size_t begin, std::size_t end) {
      if (!is_chinese(code)) {
        if (changed) out.copy(in, begin, end);
        return;
      }
      if (!changed) out.copy(in, 0, begin);
      changed = true;
      const Span span = in.span(begin, end);
      out.append(U' ', span);
      out.append(code, span);
      out.append(U' ', span);
    });
    return changed;
  }

 private:
  // Blocks of ideographs. The last but two starts where tokenizers has it, past U+2B820.
  static bool is_chinese(char32_t code) {
    return code >= 0x3400 &&
           (in_range(code, 0x4E00, 0x9FFF) || in_range(code, 0x3400, 0x4DBF) ||
            in_range(code, 0x20000, 0x2A6DF) || in_range(code, 0x2A700, 0x2B73F) ||
            in_range(code, 0x2B740, 0x2B81F) || in_range(code, 0x2B920, 0x2CEAF) ||
            in_range(code, 0xF900, 0xFAFF) || in_range(code, 0x2F800, 0x2FA1F));
  }
};

class BertStripAccents final : public Normalizer {
 public:
  bool apply(const Slice& in, AlignedText& out) const override {
    // The reference's table of marks is Unicode 8's, in which two that are marks now were letters.
    return filter(in, out, [](char32_t code) {
      return code < 0x80 || char_class(code).category() != GeneralCategory::kMn ||
             char_kind(code).after_unicode_8() || in_range(code, 0x1885, 0x1886);
    });
  }
};

}  // namespace

BertNormalizer::BertNormalizer(const Options& options) {
  if (options.clean) chain_.add(std::make_unique<BertClean>());
  if (options.space_chinese) chain_.add(std::make_unique<BertChinese>());
  if (options.strip_accents) {
    chain_.add(std::make_unique<UnicodeForm>(NormalForm::kNfd));
    chain_.add(std::make_unique<BertStripAccents>());
  }
  if (options.lowercase) chain_.add(std::make_unique<Lowercase>());
}

}  // namespace hearth
