// What the two halves of the parser share: the pattern and a place in it. Classes in brackets are
// read by regex_class.cc, everything else by regex_syntax.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/cat.h"
#include "base/result.h"
#include "text/char_set.h"
#include "text/utf8.h"

namespace hearth::regex {

/// Walks over a pattern, which is valid UTF-8.
struct Cursor {
  std::string_view pattern;
  std::size_t at = 0;

  bool done() const { return at == pattern.size(); }
  bool sees(std::string_view text) const { return pattern.substr(at).starts_with(text); }
  bool take(std::string_view text) {
    if (!sees(text)) return false;
    at += text.size();
    return true;
  }
  /// The next character; the pattern must not be done.
  char32_t next() {
    const Utf8Char c = decode_utf8(pattern, at);
    at += c.length;
    return c.code;
  }
};

inline std::unexpected<Error> malformed(const Cursor& cursor, std::string_view what) {
  return fail(ErrorCode::kMalformedTokenizer,
              cat("The regular expression \"", cursor.pattern, "\" has ", what, " at byte ",
                  cursor.at, "."),
              cursor.pattern);
}

inline std::unexpected<Error> unsupported(std::string_view construct) {
  return fail(ErrorCode::kUnsupportedTokenizer,
              cat("In a regular expression, ", construct, " is not supported."), construct);
}

struct Options {
  bool ignore_case = false;
  bool dot_takes_newline = false;  // Ruby's m
  bool extended = false;
};

/// What one escape stands for: a set, or one code point, which may bound a range.
struct Escape {
  bool is_code = false;
  char32_t code = 0;
  CharSet set;
};

/// Reads what follows a backslash that was taken, where it means the same inside of brackets and
/// outside. Errors: as parse().
Result<Escape> parse_escape(Cursor& cursor);

/// Reads a class whose opening bracket was taken, to its closing one. Errors: as parse().
Result<CharSet> parse_class(Cursor& cursor, const Options& options, int depth);

/// The set as (?i) widens it. Errors: unsupported_tokenizer.
Result<CharSet> with_options(CharSet set, const Options& options);

}  // namespace hearth::regex
