#include "text/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

TEST(Utf8, EveryCodePointRoundTripsAndSurrogatesAreBroken) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    std::string text;
    append_utf8(code, text);
    const Utf8Char c = decode_utf8(text, 0);
    if (code >= 0xD800 && code < 0xE000) {
      ASSERT_EQ(c.state, Utf8State::kBroken) << static_cast<unsigned>(code);
      ASSERT_EQ(c.length, 1u) << static_cast<unsigned>(code);
    } else {
      ASSERT_EQ(c.state, Utf8State::kValid) << static_cast<unsigned>(code);
      ASSERT_TRUE(c.code == code) << static_cast<unsigned>(code);
      ASSERT_EQ(c.length, text.size());
    }
  }
}

TEST(Utf8, FindsTheFirstIllFormedByte) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("plain text of more than eight bytes, h\xC3\xA9"));
  // The fast path takes eight bytes at once; the bad one stands at every place around it.
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string start(before, 'a');
    for (const char* bad :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
          "\xF4\x90\x80\x80", "\xF5", "\xFF", "\xC3", "\xE4\xB8", "\xF0\x9F\x98", "\xC3z"}) {
      EXPECT_EQ(find_invalid_utf8(start + bad), before) << bad;
      if (std::string_view(bad).size() > 1 || bad[0] != '\xC3') {
        EXPECT_EQ(find_invalid_utf8(start + bad + "aaaaaaaaaaaa"), before) << bad;
      }
    }
  }
}

TEST(Utf8, TellsBrokenFromIncomplete) {
  struct Case {
    const char* text;
    Utf8State state;
    std::uint32_t length;
  };
  const Case cases[] = {
      {"\xF0\x9F\x98", Utf8State::kIncomplete, 3}, {"\xF0\x9F\x98z", Utf8State::kBroken, 3},
      {"\xE0", Utf8State::kIncomplete, 1},         {"\xE0\x80", Utf8State::kBroken, 1},
      {"\xE0\xA0", Utf8State::kIncomplete, 2},     {"\xED\xA0", Utf8State::kBroken, 1},
      {"\xF4\x90", Utf8State::kBroken, 1},         {"\xC0", Utf8State::kBroken, 1},
  };
  for (const Case& c : cases) {
    const Utf8Char got = decode_utf8(c.text, 0);
    EXPECT_EQ(got.state, c.state) << c.text;
    EXPECT_EQ(got.length, c.length) << c.text;
  }
}

}  // namespace
}  // namespace hearth
