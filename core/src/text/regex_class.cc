// Classes in brackets, and the escapes that they share with the rest of the syntax.
#include "text/regex_parser.h"
#include "text/regex_syntax.h"

namespace hearth::regex {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Up to `most` hexadecimal digits; how many there were is for the caller to judge.
char32_t take_hex(Cursor& cursor, int most, int& count) {
  char32_t code = 0;
  for (count = 0; count < most && !cursor.done(); ++count) {
    const int digit = hex_value(cursor.pattern[cursor.at]);
    if (digit < 0) break;
    code = code << 4 | static_cast<char32_t>(digit);
    ++cursor.at;
  }
  return code;
}

Result<Escape> code_escape(const Cursor& cursor, char32_t code) {
  if (code >= 0x110000 || (code >= 0xD800 && code < 0xE000)) {
    return malformed(cursor, "a code that is no character");
  }
  return Escape{.is_code = true, .code = code, .set = {}};
}

Result<Escape> hex_escape(Cursor& cursor, char kind) {
  int count = 0;
  if (kind == 'x' && cursor.take("{")) {
    const char32_t code = take_hex(cursor, 8, count);
    if (count == 0 || !cursor.take("}")) return malformed(cursor, "an unfinished \\x{");
    return code_escape(cursor, code);
  }
  const char32_t code = take_hex(cursor, kind == 'u' ? 4 : 2, count);
  if (count == 0 || (kind == 'u' && count != 4)) return malformed(cursor, "too few digits");
  // \x80 and beyond are bytes of UTF-8 there.
  if (kind == 'x' && code >= 0x80) return unsupported("\\x of half a character");
  return code_escape(cursor, code);
}

Result<Escape> property_escape(Cursor& cursor, bool negated) {
  if (!cursor.take("{")) return unsupported("\\p without braces");
  if (cursor.take("^")) negated = !negated;
  const std::size_t end = cursor.pattern.find('}', cursor.at);
  if (end == std::string_view::npos) return malformed(cursor, "an unfinished \\p{");
  const std::string_view name = cursor.pattern.substr(cursor.at, end - cursor.at);
  std::optional<CharSet> set = named_set(name);
  if (!set) return unsupported(cat("\\p{", name, "}"));
  cursor.at = end + 1;
  return Escape{.is_code = false, .code = 0, .set = negated ? ~*set : *std::move(set)};
}

// One member of a class: a code that may start a range, or a set.
Result<Escape> class_member(Cursor& cursor, const Options& options, int depth) {
  if (cursor.sees("[:")) {
    const std::size_t end = cursor.pattern.find(":]", cursor.at);
    if (end != std::string_view::npos) {
      std::string_view name = cursor.pattern.substr(cursor.at + 2, end - cursor.at - 2);
      const bool negated = name.starts_with('^');
      if (negated) name.remove_prefix(1);
      std::optional<CharSet> set = posix_set(name);
      if (!set) return unsupported(cat("[:", name, ":]"));
      cursor.at = end + 2;
      return Escape{.is_code = false, .code = 0, .set = negated ? ~*set : *std::move(set)};
    }
  }
  if (cursor.take("[")) {
    HEARTH_ASSIGN(CharSet set, parse_class(cursor, options, depth + 1));
    return Escape{.is_code = false, .code = 0, .set = std::move(set)};
  }
  if (!cursor.take("\\")) return code_escape(cursor, cursor.next());
  if (cursor.take("b")) return code_escape(cursor, '\b');
  return parse_escape(cursor);
}

}  // namespace

Result<Escape> parse_escape(Cursor& cursor) {
  if (cursor.done()) return malformed(cursor, "a backslash");
  const char32_t c = cursor.next();
  auto set = [](CharSet set_in) {
    return Escape{.is_code = false, .code = 0, .set = std::move(set_in)};
  };
  switch (c) {
    case 't':
      return code_escape(cursor, '\t');
    case 'n':
      return code_escape(cursor, '\n');
    case 'r':
      return code_escape(cursor, '\r');
    case 'f':
      return code_escape(cursor, '\f');
    case 'v':
      return code_escape(cursor, '\v');
    case 'a':
      return code_escape(cursor, 7);
    case 'e':
      return code_escape(cursor, 0x1B);
    case 's':
      return set(space_set());
    case 'S':
      return set(~space_set());
    case 'd':
      return set(digit_set());
    case 'D':
      return set(~digit_set());
    case 'w':
      return set(word_set());
    case 'W':
      return set(~word_set());
    case 'h':
      return set(hex_digit_set());
    case 'H':
      return set(~hex_digit_set());
    case 'p':
    case 'P':
      return property_escape(cursor, c == 'P');
    case 'x':
    case 'u':
      return hex_escape(cursor, static_cast<char>(c));
    case '0': {
      char32_t code = 0;
      for (int i = 0; i < 2 && !cursor.done(); ++i) {
        const char digit = cursor.pattern[cursor.at];
        if (digit < '0' || digit > '7') break;
        code = code * 8 + static_cast<char32_t>(digit - '0');
        ++cursor.at;
      }
      return code_escape(cursor, code);
    }
    default:
      break;
  }
  if (c >= '1' && c <= '9') return unsupported("a backreference");
  if (c < 0x80 && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
    return unsupported(cat("\\", std::string(1, static_cast<char>(c))));
  }
  return code_escape(cursor, c);
}

Result<CharSet> with_options(CharSet set, const Options& options) {
  if (!options.ignore_case) return set;
  // Oniguruma has such a class match the several letters too ("ss" for U+00DF).
  if (set.has_expanding()) return unsupported("a letter that folds to several, under (?i),");
  return set.with_case_variants();
}

Result<CharSet> parse_class(Cursor& cursor, const Options& options, int depth) {
  if (depth > kMaxDepth) return unsupported(cat("nesting deeper than ", kMaxDepth));
  const bool negated = cursor.take("^");
  std::optional<CharSet> intersection;  // of what && has divided so far
  CharSet members;
  bool first = true;
  while (true) {
    if (cursor.done()) return malformed(cursor, "an unfinished class");
    if (!first && cursor.take("]")) break;
    if (cursor.take("&&")) {
      intersection = intersection ? *intersection & members : members;
      members = CharSet();
      first = false;
      continue;
    }
    first = false;
    HEARTH_ASSIGN(const Escape low, class_member(cursor, options, depth));
    if (!low.is_code) {
      members = members | low.set;
      // Elsewhere a hyphen after a set would be a mistake or a literal; Oniguruma refuses it.
      if (cursor.sees("-") && !cursor.sees("-]")) return malformed(cursor, "a range from a class");
      continue;
    }
    if (!cursor.sees("-") || cursor.sees("-]") || cursor.sees("-&&")) {
      members = members | CharSet::one(low.code);
      continue;
    }
    cursor.take("-");
    if (cursor.done()) return malformed(cursor, "an unfinished class");
    HEARTH_ASSIGN(const Escape high, class_member(cursor, options, depth));
    if (!high.is_code) return malformed(cursor, "a range to a class");
    if (high.code < low.code) return malformed(cursor, "an empty range");
    members = members | CharSet::range(low.code, high.code);
    // After a range a hyphen is a hyphen.
    if (cursor.sees("-") && !cursor.sees("-]")) {
      cursor.take("-");
      members = members | CharSet::one('-');
    }
  }
  if (intersection) members = *intersection & members;
  // Negation comes after folding: under (?i), [^k] has no K.
  if (negated && options.ignore_case) return ~members.with_case_variants();
  HEARTH_ASSIGN(members, with_options(std::move(members), options));
  return negated ? ~members : members;
}

}  // namespace hearth::regex
