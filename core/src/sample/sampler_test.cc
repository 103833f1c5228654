#include "sample/sampler.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "sample/philox.h"

namespace hearth::sample {
namespace {

std::vector<float> log_of(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

std::map<std::uint32_t, int> draws(Settings settings, const std::vector<float>& logits, int count) {
  std::map<std::uint32_t, int> counts;
  settings.penalty_window = 0;
  auto sampler = Sampler::make(settings, static_cast<std::uint32_t>(logits.size())).value();
  for (int i = 0; i < count; ++i) {
    auto copy = logits;
    ++counts[sampler.sample(copy).value()];
  }
  return counts;
}

TEST(Philox, GivesThePapersKnownAnswers) {
  // From the known-answer file of the authors' Random123 library.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Sampler, AnInfiniteLogitIsCertain) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(draws({}, {1, infinity, 50}, 10), (std::map<std::uint32_t, int>{{1, 10}}));
  EXPECT_EQ(draws({.top_p = 0.5F}, {-infinity, 2, -infinity}, 10),
            (std::map<std::uint32_t, int>{{1, 10}}));
}

TEST(Sampler, GreedyTakesTheFirstOfEqualsAndNeverNaN) {
  auto sampler = Sampler::make({.temperature = 0}, 4).value();
  std::vector<float> logits = {std::nanf(""), 2, 5, 5};
  EXPECT_EQ(sampler.sample(logits).value(), 2u);
  std::vector<float> none(3, std::nanf(""));
  EXPECT_EQ(sampler.sample(none).error().code, ErrorCode::kInternal);
}

TEST(Sampler, DrawsInProportion) {
  const auto counts = draws({.seed = 7}, log_of({0.5, 0.25, 0.2, 0.05}), 20000);
  // Five standard deviations of a binomial with n = 20000 are at most 5·sqrt(n/4) = 354.
  EXPECT_NEAR(counts.at(0), 10000, 354);
  EXPECT_NEAR(counts.at(1), 5000, 354);
  EXPECT_NEAR(counts.at(2), 4000, 354);
  EXPECT_NEAR(counts.at(3), 1000, 354);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  // At temperature 1/2 probabilities are squared: 0.8 and 0.2 become 16/17 and 1/17.
  const auto cold = draws({.temperature = 0.5f, .seed = 1}, log_of({0.8, 0.2}), 20000);
  EXPECT_NEAR(cold.at(0), 20000.0 * 16 / 17, 354);
  const auto hot = draws({.temperature = 2, .seed = 1}, log_of({0.8, 0.2}), 20000);
  EXPECT_NEAR(hot.at(0), 20000.0 * 2 / 3, 354);
}

TEST(Sampler, FiltersKeepWhatTheyPromise) {
  const auto logits = log_of({0.1, 0.4, 0.3, 0.2});
  const auto ids = [](const std::map<std::uint32_t, int>& counts) {
    std::vector<std::uint32_t> result;
    for (const auto& [id, count] : counts) result.push_back(id);
    return result;
  };
  using Ids = std::vector<std::uint32_t>;
  EXPECT_EQ(ids(draws({.top_k = 2}, logits, 2000)), (Ids{1, 2}));
  EXPECT_EQ(ids(draws({.top_k = 1}, logits, 100)), (Ids{1}));
  // 0.4 + 0.3 reaches 0.65, so the third is out.
  EXPECT_EQ(ids(draws({.top_p = 0.65f}, logits, 2000)), (Ids{1, 2}));
  EXPECT_EQ(ids(draws({.top_p = 0.75f}, logits, 2000)), (Ids{1, 2, 3}));
  EXPECT_EQ(ids(draws({.top_p = 1e-6f}, logits, 100)), (Ids{1}));
  // 0.2 is half of the likeliest, 0.1 a quarter.
  EXPECT_EQ(ids(draws({.min_p = 0.4f}, logits, 2000)), (Ids{1, 2, 3}));
  EXPECT_EQ(ids(draws({.min_p = 1}, logits, 100)), (Ids{1}));
  // top-p counts what top-k left: 0.4/0.7 = 0.571.
  EXPECT_EQ(ids(draws({.top_k = 2, .top_p = 0.55f}, logits, 500)), (Ids{1}));
}

TEST(Sampler, TheSeedDecides) {
  const auto run = [](std::uint64_t seed) {
    auto sampler = Sampler::make({.seed = seed}, 50).value();
    std::vector<std::uint32_t> ids;
    for (int i = 0; i < 20; ++i) {
      std::vector<float> logits(50, 0.0f);
      ids.push_back(sampler.sample(logits).value());
    }
    return ids;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
  EXPECT_NE(run(1), run(1ull << 32 | 1));
}

TEST(Sampler, PenaltiesFollowTheirFormulas) {
  auto sampler = Sampler::make({.temperature = 0,
                                .repetition_penalty = 2,
                                .frequency_penalty = 0.5f,
                                .presence_penalty = 1},
                               3)
                     .value();
  sampler.see_prompt(0);
  // Token 0 was in the prompt: 4/2 = 2 < 3, so 1 wins.
  std::vector<float> logits = {4, 3, -1};
  EXPECT_EQ(sampler.sample(logits).value(), 1u);
  EXPECT_EQ(logits, (std::vector<float>{2, 3, -1}));
  // Now 1 was generated once: 3/2 - 1 - 0.5 = 0; 0 stays at 2.
  logits = {4, 3, -1};
  EXPECT_EQ(sampler.sample(logits).value(), 0u);
  EXPECT_EQ(logits, (std::vector<float>{2, 0, -1}));
  // 0 was in the prompt and generated: 4/2 - 1.5 = 0.5. A negative logit is multiplied.
  logits = {4, -3, -1};
  EXPECT_EQ(sampler.sample(logits).value(), 0u);
  EXPECT_EQ(logits, (std::vector<float>{0.5f, -7.5f, -1}));
}

TEST(Sampler, TheWindowForgets) {
  auto sampler =
      Sampler::make({.temperature = 0, .repetition_penalty = 10, .penalty_window = 1}, 3).value();
  sampler.see_prompt(0);
  sampler.see_prompt(1);
  std::vector<float> logits = {4, 5, 1};
  EXPECT_EQ(sampler.sample(logits).value(), 0u);
}

TEST(Sampler, BiasIsAddedFirst) {
  auto sampler = Sampler::make({.temperature = 0, .logit_bias = {{2, 10}}}, 3).value();
  std::vector<float> logits = {4, 5, 1};
  EXPECT_EQ(sampler.sample(logits).value(), 2u);
}

TEST(Sampler, RefusesSettingsByName) {
  const auto name = [](Settings settings) { return Sampler::make(settings, 3).error().name; };
  EXPECT_EQ(name({.temperature = -1}), "temperature");
  EXPECT_EQ(name({.temperature = std::nanf("")}), "temperature");
  EXPECT_EQ(name({.top_p = 0}), "top_p");
  EXPECT_EQ(name({.min_p = 1.5f}), "min_p");
  EXPECT_EQ(name({.repetition_penalty = 0}), "repetition_penalty");
  EXPECT_EQ(name({.frequency_penalty = std::numeric_limits<float>::infinity()}),
            "frequency_penalty");
  EXPECT_EQ(name({.presence_penalty = -101}), "presence_penalty");
  EXPECT_EQ(name({.logit_bias = {{3, 1}}}), "logit_bias");
}

TEST(TopLogprobs, SumToOneAndAreSorted) {
  const auto top = top_logprobs(log_of({0.1, 0.4, 0.3, 0.2}), 3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].id, 1u);
  EXPECT_EQ(top[1].id, 2u);
  EXPECT_EQ(top[2].id, 3u);
  EXPECT_NEAR(std::exp(top[0].logprob), 0.4, 1e-6);
  EXPECT_TRUE(top_logprobs(log_of({0.5, 0.5}), 0).empty());
}

}  // namespace
}  // namespace hearth::sample
