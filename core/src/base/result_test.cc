#include "base/result.h"

#include <gtest/gtest.h>

#include <set>

#include "base/cat.h"

namespace hearth {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::kInvalidArgument, cat(value, " is odd"), "value");
  return value / 2;
}

Result<int> quarter(int value) {
  HEARTH_ASSIGN(int once, half(value));
  HEARTH_ASSIGN(int twice, half(once));
  return twice;
}

TEST(Result, CarriesTheErrorThroughEveryLayer) {
  EXPECT_EQ(quarter(8).value(), 2);
  auto failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed.error().message, "3 is odd");
  EXPECT_EQ(failed.error().name, "value");
}

TEST(Result, WireNamesAreDistinctAndSentencesEnd) {
  std::set<std::string_view> names;
  for (int i = 0; i < error_code_count(); ++i) {
    auto code = static_cast<ErrorCode>(i);
    EXPECT_TRUE(names.insert(error_code_name(code)).second) << error_code_name(code);
    EXPECT_TRUE(error_code_meaning(code).ends_with('.')) << error_code_name(code);
  }
  EXPECT_EQ(error_code_name(ErrorCode::kBadMagic), "bad_magic");
}

TEST(Cat, JoinsEveryKind) { EXPECT_EQ(cat("a", 'b', 3, -4L, 0.5f, true), "ab3-40.5true"); }

}  // namespace
}  // namespace hearth
