#include "runtime/stop_matcher.h"

#include <gtest/gtest.h>

namespace hearth::runtime {
namespace {

TEST(StopMatcher, HoldsBackOnlyWhatMayBecomeAStop) {
  StopMatcher matcher({"END", "\n\n"});
  std::string out;
  EXPECT_FALSE(matcher.push("text E", out));
  EXPECT_EQ(out, "text ");
  EXPECT_FALSE(matcher.push("N", out));
  EXPECT_EQ(out, "text ");
  EXPECT_FALSE(matcher.push("TRY\n", out));
  EXPECT_EQ(out, "text ENTRY");
  EXPECT_TRUE(matcher.push("\nmore", out));
  EXPECT_EQ(out, "text ENTRY");
}

TEST(StopMatcher, TheEarliestStopWins) {
  StopMatcher matcher({"zzz", "b"});
  std::string out;
  EXPECT_TRUE(matcher.push("a b zzz", out));
  EXPECT_EQ(out, "a ");
}

TEST(StopMatcher, GivesBackWhatItHeldAtTheEnd) {
  StopMatcher matcher({"stop", ""});
  std::string out;
  EXPECT_FALSE(matcher.push("don't st", out));
  EXPECT_EQ(out, "don't ");
  matcher.finish(out);
  EXPECT_EQ(out, "don't st");
}

TEST(StopMatcher, EverySplitOfAStopIsFound) {
  const std::string text = "one two<|end|>three";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    StopMatcher matcher({"<|end|>"});
    std::string out;
    const bool first = matcher.push(text.substr(0, cut), out);
    if (!first) {
      EXPECT_TRUE(matcher.push(text.substr(cut), out)) << cut;
    }
    EXPECT_EQ(out, "one two") << cut;
  }
}

TEST(StopMatcher, SelfOverlappingStops) {
  StopMatcher matcher({"aab"});
  std::string out;
  EXPECT_FALSE(matcher.push("aaa", out));
  EXPECT_EQ(out, "a");
  EXPECT_TRUE(matcher.push("b", out));
  EXPECT_EQ(out, "a");
}

}  // namespace
}  // namespace hearth::runtime
