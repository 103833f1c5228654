// A regular expression as instructions for the matcher in regex.cc. Each names the instruction that
// follows; instruction 0 is the match.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "text/char_set.h"
#include "text/regex_syntax.h"

namespace hearth::regex {

struct Instruction {
  enum class Op : std::uint8_t {
    kMatch,
    kSet,     ///< one character of `set`
    kRun,     ///< as many of `set` as there are, `least` to `most`; none is given back
    kSplit,   ///< `next` first, then `other`
    kAtomic,  ///< the program at `other` matches from here; go on where it ended
    kAhead,   ///< the program at `other` matches from here, or, negated, does not
    kBehind,  ///< one of `behind` ends here, or, negated, none does
    kAssert,
  };
  Op op = Op::kMatch;
  bool negated = false;
  Assertion assertion = Assertion::kLineStart;
  std::uint32_t next = 0;
  std::uint32_t other = 0;
  std::uint32_t set = 0;  ///< of kBehind: which of Program::behind
  std::uint32_t least = 0;
  std::uint32_t most = 0;
  /// Where the matcher remembers failures of kSplit and kRun, and which of Program::branches is
  /// kSplit's: both numbered alike.
  std::uint32_t slot = 0;
};

/// By the next byte, or kAtEnd: whether a split's `next` (bit 0) and `other` (bit 1) can match.
using Branches = std::array<std::uint8_t, 257>;
inline constexpr std::size_t kAtEnd = 256;

struct Program {
  std::vector<Instruction> code;
  std::vector<CharSet> sets;
  std::vector<Branches> branches;  ///< (slot)
  /// (lookbehind, alternative, character): sets.
  std::vector<std::vector<std::vector<std::uint32_t>>> behind;
  std::uint32_t start = 0;
  std::uint32_t slots = 0;
  Branches starts{};  ///< bit 0: a match can start at this byte
};

/// Expressions in use take less than a hundred instructions.
inline constexpr std::size_t kMaxInstructions = 4096;

/// Errors: unsupported_tokenizer for what the matcher could not bound: a repetition of what may
/// match nothing, lookbehind of other than a few characters, too many instructions.
Result<Program> compile(Syntax syntax);

}  // namespace hearth::regex
