// Recursive descent over an expression's groups: see regex_syntax.h. Depth is bounded, and nothing
// is read twice.
#include "text/regex_syntax.h"

#include <utility>

#include "text/regex_parser.h"

namespace hearth::regex {
namespace {

Node make(Node::Kind kind, std::vector<Node> children = {}) {
  Node node;
  node.kind = kind;
  node.children = std::move(children);
  return node;
}

Node assertion(Assertion which) {
  Node node = make(Node::Kind::kAssert);
  node.assertion = which;
  return node;
}

bool is_assertion(const Node& node) {
  return node.kind == Node::Kind::kAssert || node.kind == Node::Kind::kAhead ||
         node.kind == Node::Kind::kBehind;
}

struct Count {
  std::uint32_t least;
  std::uint32_t most;
};

class Parser {
 public:
  explicit Parser(std::string_view pattern) : cursor_{pattern} {}

  Result<Syntax> run() {
    HEARTH_ASSIGN(syntax_.root, alternatives({}, 0));
    if (!cursor_.done()) return malformed(cursor_, "an unmatched )");
    return std::move(syntax_);
  }

 private:
  Node set_node(CharSet set) {
    Node node = make(Node::Kind::kSet);
    node.set = static_cast<std::uint32_t>(syntax_.sets.size());
    syntax_.sets.push_back(std::move(set));
    return node;
  }

  // What lies between two brackets of a group, without them.
  Result<Node> alternatives(Options options, int depth) {
    if (depth > kMaxDepth) return unsupported(cat("nesting deeper than ", kMaxDepth));
    std::vector<Node> branches;
    do {
      HEARTH_ASSIGN(Node branch, sequence(options, depth));
      branches.push_back(std::move(branch));
    } while (cursor_.take("|"));
    if (branches.size() == 1) return std::move(branches[0]);
    return make(Node::Kind::kAlternate, std::move(branches));
  }

  Result<Node> sequence(const Options& options, int depth) {
    std::vector<Node> nodes;
    std::optional<char32_t> folded;  // the literal before, under (?i)
    while (!cursor_.done() && !cursor_.sees("|") && !cursor_.sees(")")) {
      if (cursor_.sees("(?#")) {
        const std::size_t end = cursor_.pattern.find(')', cursor_.at);
        if (end == std::string_view::npos) return malformed(cursor_, "an unfinished comment");
        cursor_.at = end + 1;
        continue;
      }
      if (options.extended && skip_blank()) continue;
      const std::optional<char32_t> before = std::exchange(folded, std::nullopt);
      HEARTH_ASSIGN(Node node, atom(options, depth, folded));
      if (before && folded && begins_expanded_fold(*before, *folded)) {
        return unsupported("letters that fold to one, under (?i),");
      }
      HEARTH_TRY(quantifiers(options, node));
      nodes.push_back(std::move(node));
    }
    if (nodes.size() == 1) return std::move(nodes[0]);
    return make(nodes.empty() ? Node::Kind::kEmpty : Node::Kind::kConcat, std::move(nodes));
  }

  // White space and comments under (?x).
  bool skip_blank() {
    if (cursor_.take("#")) {
      const std::size_t end = cursor_.pattern.find('\n', cursor_.at);
      cursor_.at = end == std::string_view::npos ? cursor_.pattern.size() : end + 1;
      return true;
    }
    for (std::string_view blank : {" ", "\t", "\n", "\v", "\f", "\r"}) {
      if (cursor_.take(blank)) return true;
    }
    return false;
  }

  Result<Node> atom(const Options& options, int depth, std::optional<char32_t>& folded) {
    if (cursor_.take("(")) return group(options, depth + 1);
    if (cursor_.take("[")) {
      HEARTH_ASSIGN(CharSet set, parse_class(cursor_, options, depth));
      return set_node(std::move(set));
    }
    if (cursor_.take(".")) {
      return set_node(options.dot_takes_newline ? CharSet::all() : ~CharSet::one('\n'));
    }
    if (cursor_.take("^")) return assertion(Assertion::kLineStart);
    if (cursor_.take("$")) return assertion(Assertion::kLineEnd);
    if (cursor_.sees("*") || cursor_.sees("+") || cursor_.sees("?")) {
      return malformed(cursor_, "nothing to repeat");
    }
    if (cursor_.take("\\")) return escape(options, folded);
    return literal(cursor_.next(), options, folded);
  }

  Result<Node> literal(char32_t code, const Options& options, std::optional<char32_t>& folded) {
    if (options.ignore_case) folded = fold_case(code);
    HEARTH_ASSIGN(CharSet set, with_options(CharSet::one(code), options));
    return set_node(std::move(set));
  }

  Result<Node> escape(const Options& options, std::optional<char32_t>& folded) {
    if (cursor_.take("A")) return assertion(Assertion::kTextStart);
    if (cursor_.take("z")) return assertion(Assertion::kTextEnd);
    if (cursor_.take("Z")) return assertion(Assertion::kTextEndOrNewline);
    if (cursor_.take("b")) return assertion(Assertion::kWordEdge);
    if (cursor_.take("B")) return assertion(Assertion::kNoWordEdge);
    if (cursor_.take("N")) return set_node(~CharSet::one('\n'));
    if (cursor_.take("O")) return set_node(CharSet::all());
    if (cursor_.take("R")) {
      // (?>\r\n|[\n-\r\u0085\u2028\u2029])
      Node pair = make(Node::Kind::kConcat);
      pair.children.push_back(set_node(CharSet::one('\r')));
      pair.children.push_back(set_node(CharSet::one('\n')));
      Node either = make(Node::Kind::kAlternate);
      either.children.push_back(std::move(pair));
      either.children.push_back(set_node(CharSet::range('\n', '\r') | CharSet::one(0x85) |
                                         CharSet::range(0x2028, 0x2029)));
      Node out = make(Node::Kind::kAtomic);
      out.children.push_back(std::move(either));
      return out;
    }
    // Outside of brackets \w is another set.
    const bool word = cursor_.sees("w");
    if (word || cursor_.sees("W")) {
      cursor_.next();
      return set_node(word ? loose_word_set() : ~loose_word_set());
    }
    HEARTH_ASSIGN(Escape what, parse_escape(cursor_));
    if (what.is_code) return literal(what.code, options, folded);
    // Folding does not reach sets outside of brackets: (?i)\p{Lu} has no small letter.
    return set_node(std::move(what.set));
  }

  Result<Node> closed(Node::Kind kind, bool negated, Options options, int depth) {
    HEARTH_ASSIGN(Node body, alternatives(options, depth));
    if (!cursor_.take(")")) return malformed(cursor_, "an unmatched (");
    if (kind == Node::Kind::kConcat) return body;  // a group that only brackets
    Node node = make(kind);
    node.negated = negated;
    node.children.push_back(std::move(body));
    return node;
  }

  Result<Node> group(const Options& options, int depth) {
    // What a group holds is never asked for, so that each is one that only brackets.
    constexpr auto kPlain = Node::Kind::kConcat;
    if (!cursor_.take("?")) return closed(kPlain, false, options, depth);
    if (cursor_.take(":")) return closed(kPlain, false, options, depth);
    if (cursor_.take(">")) return closed(Node::Kind::kAtomic, false, options, depth);
    if (cursor_.take("=")) return closed(Node::Kind::kAhead, false, options, depth);
    if (cursor_.take("!")) return closed(Node::Kind::kAhead, true, options, depth);
    if (cursor_.take("<=")) return closed(Node::Kind::kBehind, false, options, depth);
    if (cursor_.take("<!")) return closed(Node::Kind::kBehind, true, options, depth);
    if (cursor_.sees("<") || cursor_.sees("'")) {
      const std::string_view end = cursor_.take("<") ? ">" : "'";
      cursor_.take("'");
      const std::size_t close = cursor_.pattern.find(end, cursor_.at);
      if (close == std::string_view::npos) return malformed(cursor_, "an unfinished group name");
      cursor_.at = close + 1;
      return closed(kPlain, false, options, depth);
    }
    return option_group(options, depth);
  }

  // (?imx-imx) and (?imx-imx:…). The first reaches to the end of the group that it stands in, past
  // alternatives too: a(?i)b|c is a(?i:b|c).
  Result<Node> option_group(Options options, int depth) {
    const std::size_t start = cursor_.at;
    bool value = true;
    while (!cursor_.done()) {
      if (cursor_.take(":")) return closed(Node::Kind::kConcat, false, options, depth);
      if (cursor_.take(")")) return alternatives(options, depth);
      if (cursor_.take("-")) {
        value = false;
      } else if (cursor_.take("i")) {
        options.ignore_case = value;
      } else if (cursor_.take("m")) {
        options.dot_takes_newline = value;
      } else if (cursor_.take("x")) {
        options.extended = value;
      } else {
        cursor_.next();
        return unsupported(cat("the group (?", cursor_.pattern.substr(start, cursor_.at - start)));
      }
    }
    return malformed(cursor_, "an unfinished group");
  }

  // {n}, {n,}, {,m} or {n,m}; anything else leaves the brace a literal.
  std::optional<Count> counts() {
    const std::size_t start = cursor_.at;
    auto number = [&](std::uint32_t absent) {
      std::uint32_t value = 0;
      const std::size_t first = cursor_.at;
      while (!cursor_.done() && cursor_.pattern[cursor_.at] >= '0' &&
             cursor_.pattern[cursor_.at] <= '9') {
        // Past the limit it does not matter by how much.
        if (value <= kMaxCount) value = value * 10 + (cursor_.pattern[cursor_.at] - '0');
        ++cursor_.at;
      }
      return cursor_.at == first ? absent : value;
    };
    if (cursor_.take("{")) {
      const std::uint32_t least = number(kUnbounded);
      if (least != kUnbounded && cursor_.take("}")) return Count{least, least};
      if (cursor_.take(",")) {
        const std::uint32_t most = number(kUnbounded);
        const bool either = least != kUnbounded || most != kUnbounded;
        if (either && cursor_.take("}")) return Count{least == kUnbounded ? 0 : least, most};
      }
    }
    cursor_.at = start;
    return std::nullopt;
  }

  Result<void> quantifiers(const Options& options, Node& node) {
    for (int depth = 0;; ++depth) {
      while (options.extended && skip_blank()) {
      }
      Count count{0, kUnbounded};
      bool interval = false;
      if (cursor_.take("*")) {
      } else if (cursor_.take("+")) {
        count.least = 1;
      } else if (cursor_.take("?")) {
        count.most = 1;
      } else if (const std::optional<Count> counted = counts()) {
        count = *counted;
        interval = true;
      } else {
        return {};
      }
      if (depth == kMaxDepth) return unsupported(cat("nesting deeper than ", kMaxDepth));
      if (is_assertion(node)) return malformed(cursor_, "an assertion repeated");
      if (count.least > kMaxCount || (count.most != kUnbounded && count.most > kMaxCount)) {
        return unsupported(cat("a count above ", kMaxCount));
      }
      if (count.least > count.most) return unsupported("{n,m} with n above m");
      Node repeat = make(Node::Kind::kRepeat);
      // In Ruby's syntax {n}? is ({n})?, and a + after an interval repeats it.
      if (!interval && cursor_.take("+")) {
        repeat.greed = Node::Greed::kPossessive;
      } else if (!(interval && count.least == count.most) && cursor_.take("?")) {
        repeat.greed = Node::Greed::kLazy;
      }
      repeat.least = count.least;
      repeat.most = count.most;
      repeat.children.push_back(std::move(node));
      node = std::move(repeat);
    }
  }

  Cursor cursor_;
  Syntax syntax_;
};

}  // namespace

Result<Syntax> parse(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return unsupported(cat("a length over ", kMaxPatternBytes, " bytes"));
  }
  if (!is_valid_utf8(pattern)) {
    return fail(ErrorCode::kMalformedTokenizer, "A regular expression is no valid UTF-8.",
                "pattern");
  }
  return Parser(pattern).run();
}

}  // namespace hearth::regex
