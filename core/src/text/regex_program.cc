// From the syntax tree to instructions, last ones first: what follows an instruction is known when
// it is made, so that a run that need give nothing back is seen to be one.
#include "text/regex_program.h"

#include <bitset>
#include <utility>

#include "base/cat.h"

namespace hearth::regex {
namespace {

using Op = Instruction::Op;

std::unexpected<Error> unsupported(std::string_view construct) {
  return fail(ErrorCode::kUnsupportedTokenizer,
              cat("In a regular expression, ", construct, " is not supported."), construct);
}

bool may_match_nothing(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kSet:
      return false;
    case Node::Kind::kConcat:
      for (const Node& child : node.children) {
        if (!may_match_nothing(child)) return false;
      }
      return true;
    case Node::Kind::kAlternate:
      for (const Node& child : node.children) {
        if (may_match_nothing(child)) return true;
      }
      return false;
    case Node::Kind::kRepeat:
      return node.least == 0 || may_match_nothing(node.children[0]);
    case Node::Kind::kAtomic:
      return may_match_nothing(node.children[0]);
    default:
      return true;
  }
}

// The bytes that may come next, and, at kAtEnd, whether the text may end.
using Firsts = std::bitset<257>;

class Compiler {
 public:
  explicit Compiler(Syntax syntax) : tree_(std::move(syntax)) {
    program_.sets = std::move(tree_.sets);
    program_.code.push_back({});
  }

  Result<Program> run() {
    HEARTH_ASSIGN(program_.start, emit(tree_.root, 0));
    find_branches();
    return std::move(program_);
  }

 private:
  using At = Result<std::uint32_t>;

  // Repetitions of repetitions visit nodes ever more often, even those that emit nothing.
  Result<void> count_step() {
    if (++steps_ > kMaxSteps) return unsupported("so large a repetition");
    return {};
  }

  At add(const Instruction& instruction) {
    if (program_.code.size() == kMaxInstructions) {
      return unsupported(cat("a size over ", kMaxInstructions, " instructions"));
    }
    program_.code.push_back(instruction);
    return static_cast<std::uint32_t>(program_.code.size() - 1);
  }

  At split(std::uint32_t next, std::uint32_t other) {
    return add({.op = Op::kSplit, .next = next, .other = other, .slot = program_.slots++});
  }

  // The instruction that matches the node and goes on at `next`.
  At emit(const Node& node, std::uint32_t next) {
    HEARTH_TRY(count_step());
    switch (node.kind) {
      case Node::Kind::kEmpty:
        return next;
      case Node::Kind::kSet:
        return add({.op = Op::kSet, .next = next, .set = node.set});
      case Node::Kind::kConcat:
        for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
          HEARTH_ASSIGN(next, emit(*child, next));
        }
        return next;
      case Node::Kind::kAlternate: {
        HEARTH_ASSIGN(std::uint32_t at, emit(node.children.back(), next));
        for (std::size_t i = node.children.size() - 1; i-- > 0;) {
          HEARTH_ASSIGN(const std::uint32_t branch, emit(node.children[i], next));
          HEARTH_ASSIGN(at, split(branch, at));
        }
        return at;
      }
      case Node::Kind::kRepeat:
        return repeat(node, next);
      case Node::Kind::kAtomic:
      case Node::Kind::kAhead: {
        HEARTH_ASSIGN(const std::uint32_t body, emit(node.children[0], 0));
        return add({.op = node.kind == Node::Kind::kAtomic ? Op::kAtomic : Op::kAhead,
                    .negated = node.negated,
                    .next = next,
                    .other = body});
      }
      case Node::Kind::kBehind:
        return behind(node, next);
      case Node::Kind::kAssert:
        return add({.op = Op::kAssert, .assertion = node.assertion, .next = next});
    }
    return next;
  }

  At repeat(const Node& node, std::uint32_t next) {
    const Node& child = node.children[0];
    if (node.most == kUnbounded && may_match_nothing(child)) {
      return unsupported("a repetition of what may match nothing");
    }
    const bool greedy = node.greed != Node::Greed::kLazy;
    const bool possessive = node.greed == Node::Greed::kPossessive;
    if (child.kind == Node::Kind::kSet && greedy &&
        (possessive || gives_nothing(child.set, next))) {
      return add({.op = Op::kRun,
                  .next = next,
                  .set = child.set,
                  .least = node.least,
                  .most = node.most,
                  .slot = program_.slots++});
    }
    if (possessive) {
      HEARTH_ASSIGN(const std::uint32_t body, copies(node, true, 0));
      return add({.op = Op::kAtomic, .next = next, .other = body});
    }
    return copies(node, greedy, next);
  }

  At copies(const Node& node, bool greedy, std::uint32_t next) {
    const Node& child = node.children[0];
    auto choice = [&](std::uint32_t more, std::uint32_t done) {
      return greedy ? split(more, done) : split(done, more);
    };
    std::uint32_t at = next;
    std::uint32_t mandatory = node.least;
    if (node.most == kUnbounded) {
      // The split comes before its body exists, to be what the body goes on at.
      HEARTH_ASSIGN(const std::uint32_t loop, choice(next, next));
      HEARTH_ASSIGN(const std::uint32_t body, emit(child, loop));
      (greedy ? program_.code[loop].next : program_.code[loop].other) = body;
      at = loop;
      // The loop's body is the last of the copies that must be.
      if (mandatory > 0) {
        at = body;
        --mandatory;
      }
    } else {
      for (std::uint32_t i = node.least; i < node.most; ++i) {
        HEARTH_ASSIGN(const std::uint32_t body, emit(child, at));
        HEARTH_ASSIGN(at, choice(body, next));
      }
    }
    for (std::uint32_t i = 0; i < mandatory; ++i) {
      HEARTH_ASSIGN(at, emit(child, at));
    }
    return at;
  }

  // Whether a greedy run of the set before `next` never has to give back: because the rest can
  // match nothing, and so does where the run ends, or because it cannot start with one of the set.
  bool gives_nothing(std::uint32_t set, std::uint32_t next) const {
    return always_matches(next, 0) || cannot_start_in(set, next, 0);
  }

  // Both look a few steps ahead, which is as far as expressions in use need, and give the safe
  // answer beyond.
  static constexpr int kLookAhead = 16;

  bool always_matches(std::uint32_t at, int steps) const {
    const Instruction& here = program_.code[at];
    if (steps >= kLookAhead) return false;
    if (here.op == Op::kMatch) return true;
    if (here.op == Op::kRun) return here.least == 0 && always_matches(here.next, steps + 1);
    // One of two choices suffices; a loop's body, which was emitted after the loop, is none. Splits
    // cost more steps, so that no more than 2^4 ways are followed.
    return here.op == Op::kSplit &&
           ((here.other < at && always_matches(here.other, steps + kLookAhead / 4)) ||
            (here.next < at && always_matches(here.next, steps + kLookAhead / 4)));
  }

  bool cannot_start_in(std::uint32_t set, std::uint32_t at, int steps) const {
    const Instruction& here = program_.code[at];
    if (steps >= kLookAhead) return false;
    if (here.op == Op::kSet || here.op == Op::kRun) {
      if (program_.sets[here.set].may_meet(program_.sets[set])) return false;
      return here.op == Op::kSet || here.least > 0 || cannot_start_in(set, here.next, steps + 1);
    }
    return here.op == Op::kSplit && !is_open(at) &&
           cannot_start_in(set, here.next, steps + kLookAhead / 4) &&
           cannot_start_in(set, here.other, steps + kLookAhead / 4);
  }

  // A loop's split whose body is being emitted: what it starts with is not known yet.
  bool is_open(std::uint32_t at) const { return program_.code[at].next == program_.code[at].other; }

  // Alternatives of characters in a row, each looked at from its length before.
  At behind(const Node& node, std::uint32_t next) {
    std::vector<std::vector<std::uint32_t>> alternatives;
    const Node& body = node.children[0];
    auto add_one = [&](const Node& branch) {
      alternatives.emplace_back();
      return flatten(branch, alternatives.back());
    };
    if (body.kind == Node::Kind::kAlternate) {
      for (const Node& branch : body.children) HEARTH_TRY(add_one(branch));
    } else {
      HEARTH_TRY(add_one(body));
    }
    program_.behind.push_back(std::move(alternatives));
    return add({.op = Op::kBehind,
                .negated = node.negated,
                .next = next,
                .set = static_cast<std::uint32_t>(program_.behind.size() - 1)});
  }

  Result<void> flatten(const Node& node, std::vector<std::uint32_t>& sets) {
    HEARTH_TRY(count_step());
    if (node.kind == Node::Kind::kSet) {
      sets.push_back(node.set);
    } else if (node.kind == Node::Kind::kConcat) {
      for (const Node& child : node.children) HEARTH_TRY(flatten(child, sets));
    } else if (node.kind == Node::Kind::kRepeat && node.least == node.most) {
      for (std::uint32_t i = 0; i < node.least; ++i) HEARTH_TRY(flatten(node.children[0], sets));
    } else if (node.kind != Node::Kind::kEmpty) {
      return unsupported("lookbehind of other than characters in a row");
    }
    return {};
  }

  Firsts firsts_of(const CharSet& set) const {
    Firsts out;
    for (char32_t code = 0; code < 128; ++code) out[code] = set.contains(code);
    if (!set.has_beyond_ascii()) return out;
    // The lead bytes of two to four: C2 to F4.
    for (std::size_t lead = 0xC2; lead <= 0xF4; ++lead) out.set(lead);
    return out;
  }

  // What each instruction can start with, found by going over them until nothing changes: loops
  // lead back, but a program has few.
  void find_branches() {
    const std::vector<Instruction>& code = program_.code;
    std::vector<Firsts> of_set;
    for (const CharSet& set : program_.sets) of_set.push_back(firsts_of(set));
    std::vector<Firsts> firsts(code.size());
    firsts[0].set();
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t at = 1; at < code.size(); ++at) {
        const Instruction& here = code[at];
        Firsts now;
        if (here.op == Op::kSet) {
          now = of_set[here.set];
        } else if (here.op == Op::kRun) {
          now = of_set[here.set];
          if (here.least == 0) now |= firsts[here.next];
        } else if (here.op == Op::kSplit) {
          now = firsts[here.next] | firsts[here.other];
        } else if (here.op == Op::kAtomic) {
          // Its own program's firsts, in which a match of nothing allows everything.
          now = firsts[here.other];
        } else {
          now = firsts[here.next];
        }
        if (now == firsts[at]) continue;
        firsts[at] = now;
        changed = true;
      }
    }
    program_.branches.resize(program_.slots);
    for (const Instruction& here : code) {
      if (here.op != Op::kSplit) continue;
      for (std::size_t byte = 0; byte < 257; ++byte) {
        program_.branches[here.slot][byte] = static_cast<std::uint8_t>(
            (firsts[here.next][byte] ? 1 : 0) | (firsts[here.other][byte] ? 2 : 0));
      }
    }
    for (std::size_t byte = 0; byte < 257; ++byte) {
      program_.starts[byte] = firsts[program_.start][byte] ? 1 : 0;
    }
  }

  static constexpr std::size_t kMaxSteps = 16 * kMaxInstructions;

  Syntax tree_;
  Program program_;
  std::size_t steps_ = 0;
};

}  // namespace

Result<Program> compile(Syntax syntax) { return Compiler(std::move(syntax)).run(); }

}  // namespace hearth::regex
