// The syntax tree of a regular expression, and the parser for Oniguruma's Ruby syntax, which the
// `tokenizers` library compiles the expressions of tokenizer.json by. Source: Oniguruma's doc/RE.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/char_set.h"

namespace hearth::regex {

inline constexpr std::uint32_t kUnbounded = 0xFFFFFFFF;

enum class Assertion : std::uint8_t {
  kLineStart,         ///< ^, which Ruby has match at every line
  kLineEnd,           ///< $
  kTextStart,         ///< \A
  kTextEnd,           ///< \z
  kTextEndOrNewline,  ///< \Z
  kWordEdge,          ///< \b
  kNoWordEdge,        ///< \B
};

struct Node {
  enum class Kind : std::uint8_t {
    kEmpty,
    kSet,        ///< one character of the set numbered `set`
    kConcat,     ///< the children in order
    kAlternate,  ///< the first of the children that lets the rest match
    kRepeat,     ///< the child, `least` to `most` times
    kAtomic,     ///< the child's first match, never given back
    kAhead,      ///< the child matches here, or, negated, does not; takes nothing
    kBehind,     ///< the same for what ends here
    kAssert,
  };
  enum class Greed : std::uint8_t { kGreedy, kLazy, kPossessive };

  Kind kind = Kind::kEmpty;
  Greed greed = Greed::kGreedy;
  bool negated = false;
  Assertion assertion = Assertion::kLineStart;
  std::uint32_t set = 0;
  std::uint32_t least = 0;
  std::uint32_t most = 0;
  std::vector<Node> children;
};

struct Syntax {
  Node root;
  std::vector<CharSet> sets;
};

/// Errors: malformed_tokenizer for what Oniguruma refuses too; unsupported_tokenizer for a
/// construct that is not read here, named. The tree is no deeper than kMaxDepth groups.
Result<Syntax> parse(std::string_view pattern);

/// Expressions in use nest five deep; the limit keeps recursion far from the stack's end.
inline constexpr int kMaxDepth = 64;

/// Expressions in use have less than a kilobyte.
inline constexpr std::size_t kMaxPatternBytes = 16384;

/// Those in use count to 3; each is copied as often as it is counted.
inline constexpr std::uint32_t kMaxCount = 1000;

}  // namespace hearth::regex
