// The matcher: see regex.h.
//
// It backtracks over the program, with the choices not yet tried on a stack of its own. A split or
// run that was entered at a byte is marked there as failed, and the mark taken back if a match
// comes of it; whoever gets there again, in this search or a later one, turns back at once. That
// holds because what follows an instruction never depends on how it was reached: there are no
// backreferences and no counters, and an atomic group or a lookahead is a program of its own, for
// which what did match is remembered as well. (Memoized backtracking: Davis, Servant and Lee,
// 2021.)
#include "text/regex.h"

#include <algorithm>
#include <utility>

#include "text/regex_program.h"
#include "text/utf8.h"

namespace hearth {

using regex::Assertion;
using regex::Instruction;
using Op = Instruction::Op;

namespace {

// Where one way only leads on there is no choice to remember, and a mark at every byte would cost
// more than the steps that it saves. One in so many bytes bounds them as well.
constexpr std::size_t kWindow = 64;

// Two bits of a slot: it failed here; a match within a lookahead or atomic group came of it, and
// where it ends is known.
constexpr std::uint64_t kFailed = 1;
constexpr std::uint64_t kEnds = 2;
constexpr std::uint32_t kSlotsInWord = 32;

const CharSet& word_edges() {
  static const CharSet set = loose_word_set();
  return set;
}

std::size_t before(std::string_view text, std::size_t at) {
  do --at;
  while ((static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80);
  return at;
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern) {
  HEARTH_ASSIGN(regex::Syntax syntax, regex::parse(pattern));
  HEARTH_ASSIGN(regex::Program program, regex::compile(std::move(syntax)));
  return Regex(std::make_shared<const regex::Program>(std::move(program)));
}

std::optional<Regex::Match> Regex::find(std::string_view text, std::size_t from) const {
  return RegexSearch(*this, text).find(from);
}

RegexSearch::RegexSearch(const Regex& regex, std::string_view text)
    : program_(*regex.program_),
      text_(text),
      words_((program_.slots + kSlotsInWord - 1) / kSlotsInWord) {}

std::optional<Regex::Match> RegexSearch::find(std::size_t from) {
  forget_before(from);
  for (std::size_t at = from;;) {
    const bool end = at == text_.size();
    const auto byte = end ? regex::kAtEnd : static_cast<std::uint8_t>(text_[at]);
    if (program_.starts[byte] != 0) {
      const std::size_t ends = match(program_.start, at, false);
      if (ends != kNone) return Regex::Match{at, ends};
    }
    if (end) return std::nullopt;
    at += decode_utf8(text_, at).length;
  }
}

std::optional<Regex::Match> RegexSearch::next() {
  while (from_ <= text_.size()) {
    const auto found = find(from_);
    if (!found) {
      from_ = text_.size() + 1;
      break;
    }
    if (found->begin == found->end && found->end == last_end_) {
      from_ = found->end;
      from_ += from_ == text_.size() ? 1 : decode_utf8(text_, from_).length;
      continue;
    }
    from_ = last_end_ = found->end;
    return found;
  }
  return std::nullopt;
}

std::uint64_t& RegexSearch::memo(std::size_t at, std::uint32_t slot) {
  const std::size_t word = (at - base_) * words_ + slot / kSlotsInWord;
  if (word >= memo_.size()) memo_.resize(std::max(word + 1, 2 * memo_.size()));
  return memo_[word];
}

// Rows before `at` are never asked for again. All is dropped when nothing lies behind it, and the
// rest moved when it is the smaller part, so that moving costs no more than marking did.
void RegexSearch::forget_before(std::size_t at) {
  const std::size_t gone = (at - base_) * words_;
  if (gone >= memo_.size()) {
    memo_.clear();
    ends_.clear();
    base_ = at;
  } else if (gone > memo_.size() / 2) {
    memo_.erase(memo_.begin(), memo_.begin() + static_cast<std::ptrdiff_t>(gone));
    base_ = at;
  }
}

// What the marks since `trail_base` led to is a match: none of them failed. Of a nested program's,
// one in each window keeps the end, which the main program never needs, as it goes on from there.
std::size_t RegexSearch::matched(std::size_t end, std::size_t trail_base, bool nested) {
  std::size_t window = kNone;
  for (std::size_t i = trail_base; i < trail_.size(); ++i) {
    const Mark& mark = trail_[i];
    const std::uint32_t shift = 2 * (mark.slot % kSlotsInWord);
    std::uint64_t& word = memo(mark.at, mark.slot);
    word &= ~(kFailed << shift);
    if (!nested || mark.at / kWindow == window) continue;
    window = mark.at / kWindow;
    word |= kEnds << shift;
    ends_[mark.at * program_.slots + mark.slot] = end;
  }
  trail_.resize(trail_base);
  return end;
}

// Where the program at `start` ends when it matches at `at`, or kNone. Calls itself for the
// programs of lookahead and atomic groups, no deeper than the expression nests.
std::size_t RegexSearch::match(std::uint32_t start, std::size_t at, bool nested) {
  const std::size_t choice_base = choices_.size();
  const std::size_t trail_base = trail_.size();
  std::size_t window = at / kWindow;
  std::size_t known_end = kNone;

  enum class Seen : std::uint8_t { kNew, kFails, kMatches };
  auto enter = [&](std::uint32_t slot) {
    const std::uint32_t shift = 2 * (slot % kSlotsInWord);
    std::uint64_t& word = memo(at, slot);
    if ((word >> shift & kFailed) != 0) return Seen::kFails;
    if ((word >> shift & kEnds) != 0) {
      known_end = ends_[at * program_.slots + slot];
      return Seen::kMatches;
    }
    word |= kFailed << shift;
    trail_.push_back({at, slot});
    return Seen::kNew;
  };

  std::uint32_t pc = start;
  while (true) {
    const Instruction& here = program_.code[pc];
    bool on = false;
    Seen seen = Seen::kNew;
    switch (here.op) {
      case Op::kMatch:
        known_end = at;
        break;
      case Op::kSplit: {
        const auto byte = at == text_.size() ? regex::kAtEnd : static_cast<std::uint8_t>(text_[at]);
        const std::uint8_t ways = program_.branches[here.slot][byte];
        if (ways == 0) break;
        if (ways == 3 || at / kWindow != window) {
          window = at / kWindow;
          seen = enter(here.slot);
          if (seen != Seen::kNew) break;
        }
        if (ways == 3) choices_.push_back({here.other, at, trail_.size()});
        pc = ways == 2 ? here.other : here.next;
        continue;
      }
      case Op::kRun: {
        const CharSet& set = program_.sets[here.set];
        std::uint32_t count = 0;
        while (count < here.most && at < text_.size()) {
          const Utf8Char c = decode_utf8(text_, at);
          if (!set.contains(c.code)) break;
          at += c.length;
          // Past `least`, how many there were makes no difference any more, unless they are
          // bounded.
          if (++count < here.least || here.most != regex::kUnbounded || at / kWindow == window) {
            continue;
          }
          window = at / kWindow;
          seen = enter(here.slot);
          if (seen != Seen::kNew) break;
        }
        on = seen == Seen::kNew && count >= here.least;
        break;
      }
      case Op::kAtomic: {
        const std::size_t end = match(here.other, at, true);
        on = end != kNone;
        if (on) at = end;
        break;
      }
      case Op::kAhead:
        on = (match(here.other, at, true) != kNone) != here.negated;
        break;
      default:
        on = step(here, at);
    }
    if (known_end != kNone) {
      choices_.resize(choice_base);
      return matched(known_end, trail_base, nested);
    }
    if (on) {
      pc = here.next;
      continue;
    }
    if (choices_.size() == choice_base) {
      trail_.resize(trail_base);
      return kNone;
    }
    const Choice choice = choices_.back();
    choices_.pop_back();
    trail_.resize(choice.trail);
    pc = choice.instruction;
    at = choice.at;
  }
}

// What needs neither choices nor marks: whether it matches; then `at` is where it ends.
bool RegexSearch::step(const Instruction& here, std::size_t& at) const {
  if (here.op == Op::kAssert) return asserts(here, at);
  if (here.op == Op::kBehind) return ends_behind(here, at) != here.negated;
  if (at == text_.size()) return false;
  const Utf8Char c = decode_utf8(text_, at);
  if (!program_.sets[here.set].contains(c.code)) return false;
  at += c.length;
  return true;
}

bool RegexSearch::is_word(std::size_t at) const {
  return at < text_.size() && word_edges().contains(decode_utf8(text_, at).code);
}

bool RegexSearch::is_word_before(std::size_t at) const {
  return at > 0 && is_word(before(text_, at));
}

bool RegexSearch::asserts(const Instruction& here, std::size_t at) const {
  const std::size_t size = text_.size();
  switch (here.assertion) {
    // Ruby has no line start behind a newline that ends the text.
    case Assertion::kLineStart:
      return at == 0 || (at < size && text_[at - 1] == '\n');
    case Assertion::kLineEnd:
      return at == size || text_[at] == '\n';
    case Assertion::kTextStart:
      return at == 0;
    case Assertion::kTextEnd:
      return at == size;
    case Assertion::kTextEndOrNewline:
      return at == size || (at + 1 == size && text_[at] == '\n');
    case Assertion::kWordEdge:
      return is_word_before(at) != is_word(at);
    case Assertion::kNoWordEdge:
      return is_word_before(at) == is_word(at);
  }
  return false;
}

bool RegexSearch::ends_behind(const Instruction& here, std::size_t at) const {
  for (const auto& sets : program_.behind[here.set]) {
    std::size_t start = at;
    std::size_t left = sets.size();
    while (left > 0 && start > 0) {
      const std::size_t one = before(text_, start);
      if (!program_.sets[sets[left - 1]].contains(decode_utf8(text_, one).code)) break;
      start = one;
      --left;
    }
    if (left == 0) return true;
  }
  return false;
}

}  // namespace hearth
