// Every way of stretching a rope, against figures worked out from its formula, and what each
// refuses.
#include "models/rope_scaling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cat.h"

namespace hearth::models {
namespace {

using nlohmann::json;

// Heads of 8: the four pairs turn by 1, 0.1, 0.01 and 0.001 a position.
constexpr std::int64_t kSize = 8;

Result<Rope> read(const json& config, std::int64_t context = 64) {
  Settings settings = Settings::from_json(config);
  Rope rope = read_rope(settings, kSize, context);
  HEARTH_TRY(settings.status());
  return rope;
}

json with(const json& scaling) {
  return {{"max_position_embeddings", 256}, {"rope_scaling", scaling}};
}

void expect_rope(const Result<Rope>& rope, const std::vector<double>& frequencies, double scale) {
  ASSERT_TRUE(rope) << rope.error().message;
  ASSERT_EQ(rope->frequencies.size(), frequencies.size());
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    // One rounding to float; the expected figures are written with nine digits.
    EXPECT_NEAR(rope->frequencies[i], frequencies[i], frequencies[i] * 1.2e-7) << i;
  }
  EXPECT_NEAR(rope->scale, scale, scale * 1.2e-7);
}

void expect_refused(const json& config, ErrorCode code, std::string_view name) {
  const Result<Rope> rope = read(config);
  ASSERT_FALSE(rope) << name;
  EXPECT_EQ(rope.error().code, code) << rope.error().message;
  EXPECT_EQ(rope.error().name, name) << rope.error().message;
}

TEST(RopeScaling, IsPlainByDefault) {
  expect_rope(read(json::object()), {1, 0.1, 0.01, 0.001}, 1);
  expect_rope(read({{"rope_parameters", {{"rope_theta", 16.0}}}}), {1, 0.5, 0.25, 0.125}, 1);
}

TEST(RopeScaling, LinearDividesAndDynamicWaitsForLongerTexts) {
  expect_rope(read(with({{"type", "linear"}, {"factor", 4.0}})), {0.25, 0.025, 0.0025, 0.00025}, 1);
  expect_rope(read(with({{"type", "dynamic"}, {"factor", 4.0}})), {1, 0.1, 0.01, 0.001}, 1);
}

TEST(RopeScaling, YarnDividesTheSlowAndRampsBetween) {
  // Within 2π · 100 positions the pairs turn 100, 10, 1 and 0.1 times: pairs 0.43 to 2 with the
  // usual bounds of 32 and 1 turns are between, rounded outwards to 0 and 2, so pair 1 is half way.
  const double context = 200 * std::acos(-1.0);
  json scaling = {{"rope_type", "yarn"},
                  {"factor", 4.0},
                  {"beta_slow", 1.0001},  // not on the edge of a rounding
                  {"original_max_position_embeddings", context}};
  const double scale = 0.1 * std::log(4.0) + 1;
  expect_rope(read(with(scaling)), {1, 0.1 * (0.5 / 4 + 0.5), 0.0025, 0.00025}, scale);
  scaling["attention_factor"] = 1.5;
  expect_rope(read(with(scaling)), {1, 0.0625, 0.0025, 0.00025}, 1.5);
  scaling.erase("attention_factor");
  scaling["mscale"] = 2.0;
  scaling["mscale_all_dim"] = 1.0;
  expect_rope(read(with(scaling)), {1, 0.0625, 0.0025, 0.00025}, (0.2 * std::log(4.0) + 1) / scale);
  scaling.erase("factor");
  expect_refused(with(scaling), ErrorCode::kMissingMetadata, "rope_scaling.factor");
}

TEST(RopeScaling, LongRopeGoesByTheContext) {
  json scaling = {{"type", "longrope"},
                  {"short_factor", {1.0, 1.0, 2.0, 2.0}},
                  {"long_factor", {1.0, 4.0, 5.0, 8.0}}};
  json config = with(scaling);
  config["original_max_position_embeddings"] = 64;
  // Stretched 256 / 64 = 4 times: √(1 + ln 4 / ln 64), which is √(4/3).
  const double scale = std::sqrt(4.0 / 3);
  expect_rope(read(config, 64), {1, 0.1, 0.005, 0.0005}, scale);
  expect_rope(read(config, 65), {1, 0.025, 0.002, 0.000125}, scale);
  config["rope_scaling"]["type"] = "su";
  expect_rope(read(config, 65), {1, 0.025, 0.002, 0.000125}, scale);

  json wrong = config;
  wrong["rope_scaling"]["short_factor"] = {1.0, 1.0};
  expect_refused(wrong, ErrorCode::kUnsupportedConfig, "rope_scaling.short_factor");
  wrong["rope_scaling"]["short_factor"] = {1.0, 1.0, 0.0, 1.0};
  expect_refused(wrong, ErrorCode::kUnsupportedConfig, "rope_scaling.short_factor");
  wrong["rope_scaling"]["short_factor"] = {1.0, "one", 1.0, 1.0};
  expect_refused(wrong, ErrorCode::kUnsupportedConfig, "rope_scaling.short_factor");
  wrong["rope_scaling"].erase("short_factor");
  expect_refused(wrong, ErrorCode::kMissingMetadata, "rope_scaling.short_factor");
}

TEST(RopeScaling, RefusesFactorsThatAreNotPositive) {
  for (const char* type : {"linear", "dynamic", "yarn"}) {
    for (const double factor : {0.0, -2.0}) {
      expect_refused(with({{"type", type}, {"factor", factor}}), ErrorCode::kUnsupportedConfig,
                     "rope_scaling.factor");
    }
  }
  expect_refused(with({{"type", "yarn"}, {"factor", 4.0}, {"beta_fast", 0.5}}),
                 ErrorCode::kUnsupportedConfig, "rope_scaling.beta_fast");
  expect_refused(with({{"type", "linear"}, {"factor", 1e-300}}), ErrorCode::kUnsupportedConfig,
                 "rope_scaling.rope_type");
  expect_refused({{"rope_theta", 1.0}}, ErrorCode::kUnsupportedConfig, "rope_theta");
}

}  // namespace
}  // namespace hearth::models
