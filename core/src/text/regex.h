// Regular expressions of tokenizer.json: Oniguruma's Ruby syntax on UTF-8 (Oniguruma's doc/RE), as
// the `tokenizers` library compiles them, and its choice of match: leftmost, then the first
// alternative that lets the rest match.
//
// Unlike Oniguruma this engine takes time in proportion to the text, for every expression: it
// backtracks, and remembers where that was in vain. So what a file's expression and a user's text
// do together is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace hearth {

namespace regex {
struct Program;
struct Instruction;
}  // namespace regex

class RegexSearch;

class Regex {
 public:
  struct Match {
    std::size_t begin;
    std::size_t end;
    bool operator==(const Match&) const = default;
  };

  /// Errors: malformed_tokenizer for what is no expression; unsupported_tokenizer naming the
  /// construct: backreferences, calls, \G, \K, \X, absent operators, lookbehind of other than
  /// characters in a row, a repetition of what may match nothing, and sizes out of all use.
  static Result<Regex> compile(std::string_view pattern);

  /// The first match that starts at byte `from` or later. `text` must be valid UTF-8, and `from` at
  /// most its size and at a character. Several matches of one text are faster by RegexSearch.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  friend class RegexSearch;
  explicit Regex(std::shared_ptr<const regex::Program> program) : program_(std::move(program)) {}

  std::shared_ptr<const regex::Program> program_;  // never changed
};

/// The matches of an expression in one text, in order. Memory grows with the stretch of text that a
/// match had to look at; time for all matches together is in proportion to the text.
class RegexSearch {
 public:
  /// Both must outlive the search. `text` must be valid UTF-8.
  RegexSearch(const Regex& regex, std::string_view text);

  /// The first match at byte `from` or later; `from` never decreases, and is at a character.
  std::optional<Regex::Match> find(std::size_t from);

  /// The next match that neither overlaps the last one nor is empty at its end, as the tokenizers
  /// library goes on.
  std::optional<Regex::Match> next();

 private:
  struct Choice {
    std::uint32_t instruction;
    std::size_t at;
    std::size_t trail;
  };
  struct Mark {
    std::size_t at;
    std::uint32_t slot;
  };
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t match(std::uint32_t start, std::size_t at, bool nested);
  bool step(const regex::Instruction& here, std::size_t& at) const;
  bool asserts(const regex::Instruction& here, std::size_t at) const;
  bool ends_behind(const regex::Instruction& here, std::size_t at) const;
  bool is_word(std::size_t at) const;
  bool is_word_before(std::size_t at) const;
  std::size_t matched(std::size_t end, std::size_t trail_base, bool nested);
  std::uint64_t& memo(std::size_t at, std::uint32_t slot);
  void forget_before(std::size_t at);

  const regex::Program& program_;
  std::string_view text_;
  std::size_t from_ = 0;
  std::size_t last_end_ = kNone;

  // What is known of (byte, slot): two bits each, see memo(). Rows start at byte `base_`.
  std::size_t words_;  // 64 bits each, in a row
  std::size_t base_ = 0;
  std::vector<std::uint64_t> memo_;
  std::unordered_map<std::uint64_t, std::size_t> ends_;  // of matches within lookahead and atoms
  std::vector<Choice> choices_;
  std::vector<Mark> trail_;  // marks that no failure has made true yet
};

}  // namespace hearth
