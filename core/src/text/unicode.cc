// Lookup in the generated two-stage table.
#include "text/unicode.h"

#include <iterator>

namespace hearth {
namespace {

#include "unicode_tables.inc"

static_assert(kCategoryCount == static_cast<unsigned>(GeneralCategory::kCo) + 1);
static_assert(std::size(kBlockIndex) * kBlockSize == 0x110000);

}  // namespace

CharClass char_class(char32_t code) {
  if (code >= 0x110000) return CharClass(0);
  return CharClass(kBlocks[kBlockIndex[code / kBlockSize] * kBlockSize + code % kBlockSize]);
}

std::string_view unicode_version() { return kUnicodeVersion; }

}  // namespace hearth
