#include "formats/json.h"

#include <string>

#include "base/cat.h"

namespace hearth {
namespace {

// Where the parser gave up. A parse to a value reports no place when exceptions are off, so a
// document that failed is read a second time with this.
class ErrorPlace final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
    position = at;
    return false;
  }

  std::size_t position = 0;  // bytes read up to and with the offending one
};

// Line and column, from 1, of the last of `count` bytes.
std::string place_name(std::string_view text, std::size_t count) {
  std::size_t line = 1;
  std::size_t column = 0;
  for (std::size_t i = 0; i < count && i < text.size(); ++i) {
    ++column;
    if (text[i] == '\n' && i + 1 < count) {
      ++line;
      column = 0;
    }
  }
  return cat("line ", line, ", column ", column);
}

// The number of bytes up to the bracket that nests too deeply, or 0. Up to the first syntax error,
// where the parser stops too, a scan that knows only strings and brackets sees the same nesting.
std::size_t too_deep_at(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return i + 1;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return 0;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::string_view what) {
  if (const std::size_t at = too_deep_at(text); at != 0) {
    return fail(ErrorCode::kMalformedJson,
                cat(what, " nests deeper than ", kMaxJsonDepth, " at ", place_name(text, at), "."),
                what);
  }
  nlohmann::json value = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded()) {
    ErrorPlace place;
    nlohmann::json::sax_parse(text.begin(), text.end(), &place);
    return fail(
        ErrorCode::kMalformedJson,
        cat(what, " is not valid JSON: it goes wrong at ", place_name(text, place.position), "."),
        what);
  }
  return value;
}

}  // namespace hearth
