// Fuzzes regular expressions. The first byte picks: an expression from the rest, up to a zero byte,
// on the text behind it; or the rest as a text, which each hand-written scanner must cut as the
// engine does by the scanner's expression.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/regex.h"
#include "text/utf8.h"
#include "text/word_patterns.h"

namespace {

using namespace hearth;

// Matches lie in order inside of the text, at characters; a search from a byte on is the same as
// one that has been going on.
void check_search(const Regex& regex, std::string_view text) {
  RegexSearch search(regex, text);
  std::size_t last = 0;
  std::size_t compared = 0;
  while (const auto match = search.next()) {
    HEARTH_CHECK(match->begin >= last && match->end >= match->begin && match->end <= text.size());
    HEARTH_CHECK(is_valid_utf8(text.substr(match->begin, match->end - match->begin)));
    // A fresh search costs the whole stretch that it looks at; a few suffice.
    if (match->begin < match->end && ++compared <= 8) {
      HEARTH_CHECK(regex.find(text, match->begin) == match);
    }
    last = match->end;
  }
}

void fuzz_expression(std::string_view data) {
  const std::size_t zero = data.find('\0');
  auto regex = Regex::compile(data.substr(0, zero));
  if (!regex) {
    HEARTH_CHECK(regex.error().message.ends_with('.') &&
                 regex.error().code != ErrorCode::kInternal);
    return;
  }
  for (std::string_view text :
       {"aab ab\n 12 \u00E9\u4E2D\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    check_search(*regex, text);
  }
  if (zero != data.npos && is_valid_utf8(data.substr(zero + 1))) {
    check_search(*regex, data.substr(zero + 1));
  }
}

struct Ends final : WordSink {
  void word(const Slice& slice) override { sizes.push_back(slice.text.size()); }
  std::vector<std::size_t> sizes;
};

void fuzz_scanners(std::string_view text) {
  if (!is_valid_utf8(text)) return;
  struct Scanner {
    KnownPattern known;
    Regex regex;
  };
  static const std::vector<Scanner> scanners = [] {
    std::vector<Scanner> out;
    for (std::string_view expression : known_expressions()) {
      auto regex = Regex::compile(expression);
      HEARTH_CHECK(regex.has_value());
      out.push_back({find_known_pattern(expression), *std::move(regex)});
    }
    return out;
  }();
  for (const Scanner& scanner : scanners) {
    Ends ends;
    PatternSplit(scanner.known.scan).split({.text = text}, ends);
    RegexSearch search(scanner.regex, text);
    std::vector<std::size_t> sizes;
    std::size_t at = 0;
    while (const auto match = search.next()) {
      HEARTH_CHECK(!scanner.known.covers || match->begin == at);
      if (at < match->begin) sizes.push_back(match->begin - at);
      sizes.push_back(match->end - match->begin);
      at = match->end;
    }
    HEARTH_CHECK(!scanner.known.covers || at == text.size());
    if (at < text.size()) sizes.push_back(text.size() - at);
    HEARTH_CHECK(sizes == ends.sizes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    fuzz_expression(rest);
  } else {
    fuzz_scanners(rest);
  }
  return 0;
}
