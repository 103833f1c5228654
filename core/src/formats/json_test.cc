#include "formats/json.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

TEST(ParseJson, ReturnsTheValue) {
  auto value = parse_json(R"({"a": [1, -2.5, "é", null, true], "a2": {}})", "config.json");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("a").size(), 5u);
  EXPECT_EQ(value->at("a")[1].get<double>(), -2.5);
  EXPECT_EQ(value->at("a")[2].get<std::string>(), "\xC3\xA9");
}

TEST(ParseJson, SaysWhereADocumentIsBroken) {
  auto broken = parse_json("{\n  \"a\": 1,\n  \"b\": x\n}", "config.json");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kMalformedJson);
  EXPECT_EQ(broken.error().name, "config.json");
  EXPECT_EQ(broken.error().message,
            "config.json is not valid JSON: it goes wrong at line 3, column 8.");
}

TEST(ParseJson, RefusesEveryBrokenDocument) {
  const std::string_view documents[] = {
      "",          " ",     "{",        "[1,",  "{\"a\":}", "[1 2]", "nul",      "\"open",
      "\"\\q\"",   "1e999", "{} {}",    "[1]x", "{1:2}",    "'a'",   "\"\xff\"", "\"\xed\xa0\x80\"",
      "\"\\ud800", "[1,]",  "\"a\nb\"", "+1",   "01",       "]",     "\xff\xfe", "\"\\",
  };
  for (std::string_view document : documents) {
    auto value = parse_json(document, "x.json");
    ASSERT_FALSE(value) << document;
    EXPECT_EQ(value.error().code, ErrorCode::kMalformedJson) << document;
  }
}

TEST(ParseJson, BoundsNesting) {
  auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth), "x"));
  auto deep = parse_json(nested(kMaxJsonDepth + 1), "x");
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "x nests deeper than 64 at line 1, column 65.");
  // A million brackets with no end must neither overflow the stack nor take long.
  EXPECT_FALSE(parse_json(std::string(1'000'000, '{'), "x"));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '['), "x"));
  // Brackets in strings and after escaped quotes do not nest.
  EXPECT_TRUE(
      parse_json("\"" + std::string(100, '[') + "\\\"" + std::string(100, '[') + "\"", "x"));
  // Closed brackets no longer count.
  std::string flat = "[";
  for (int i = 0; i < 200; ++i) flat += "[],";
  EXPECT_TRUE(parse_json(flat + "[]]", "x"));
}

}  // namespace
}  // namespace hearth
