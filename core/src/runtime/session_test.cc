// Generations on a tiny random model: what is reused, what ends them, and what refuses them.
#include "runtime/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/tiny_model.h"

namespace hearth::runtime {
namespace {

using hearth::testing::load_gguf;
using hearth::testing::tiny_tokenizer;
using hearth::testing::TinyLlama;
using Ids = std::vector<TokenId>;

constexpr sample::Settings kGreedy = {.temperature = 0};

struct Generated {
  Ids ids;
  std::string text;
  std::vector<SampledToken> logprobs;
  FinishReason reason = FinishReason::kNone;
  std::uint32_t cached = 0;
  int prefill_steps = 0;
};

class SessionTest : public ::testing::Test {
 protected:
  void open(const TinyLlama& tiny, const OpenOptions& options = {.exact = true}) {
    session_.reset();
    model_ = load_gguf(tiny, options);
    session_ = Session::open(model_, tiny_tokenizer()).value();
  }
  void SetUp() override {
    static const TinyLlama kTiny;
    open(kTiny);
  }

  Generated generate(const Ids& prompt, const GenerateOptions& options) {
    Generated all;
    const auto started = session_->generate(prompt, options);
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    if (!started) return all;
    all.cached = *started;
    while (all.reason == FinishReason::kNone) {
      auto outcome = session_->step(pool_);
      EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().message);
      if (!outcome) return all;
      if (outcome->ids.empty()) ++all.prefill_steps;
      all.ids.insert(all.ids.end(), outcome->ids.begin(), outcome->ids.end());
      all.text += outcome->text;
      for (auto& token : outcome->logprobs) all.logprobs.push_back(std::move(token));
      EXPECT_EQ(outcome->phase == Phase::kDone, outcome->finish_reason != FinishReason::kNone);
      all.reason = outcome->finish_reason;
    }
    return all;
  }
  void expect_refused(const Ids& prompt, const GenerateOptions& options, ErrorCode code,
                      std::string_view name) {
    const auto started = session_->generate(prompt, options);
    ASSERT_FALSE(started) << name;
    EXPECT_EQ(error_code_name(started.error().code), error_code_name(code));
    EXPECT_EQ(started.error().name, name);
  }
  /// A generation that always gives these tokens, one for each position that a bias can reach: the
  /// bias outweighs every logit.
  static GenerateOptions always(TokenId id) {
    GenerateOptions options{.sampling = kGreedy};
    options.sampling.logit_bias = {{id, 1e5F}};
    return options;
  }

  cpu::ThreadPool pool_{1};
  std::shared_ptr<LoadedModel> model_;
  std::unique_ptr<Session> session_;
};

TEST_F(SessionTest, APrefixIsReusedAndChangesNothing) {
  const Generated first = generate({1, 2, 3, 4, 5}, {.max_tokens = 4, .sampling = kGreedy});
  EXPECT_EQ(first.cached, 0u);
  ASSERT_EQ(first.ids.size(), 4u);
  // All of the prompt is held, but one token is processed again for its logits.
  const Generated again = generate({1, 2, 3, 4, 5}, {.max_tokens = 4, .sampling = kGreedy});
  EXPECT_EQ(again.cached, 4u);
  EXPECT_EQ(again.ids, first.ids);
  // What was generated is part of what is held; the last token was never processed.
  Ids longer = {1, 2, 3, 4, 5};
  longer.insert(longer.end(), first.ids.begin(), first.ids.end());
  longer.push_back(9);
  const Generated further = generate(longer, {.max_tokens = 4, .sampling = kGreedy, .logprobs = 2});
  EXPECT_EQ(further.cached, 8u);
  // A prompt that parts half way keeps the first half.
  const Generated parted = generate({1, 2, 7}, {.max_tokens = 4, .sampling = kGreedy});
  EXPECT_EQ(parted.cached, 2u);

  open(TinyLlama());
  EXPECT_EQ(generate({1, 2, 7}, {.max_tokens = 4, .sampling = kGreedy}).ids, parted.ids);
  open(TinyLlama());
  const Generated fresh = generate(longer, {.max_tokens = 4, .sampling = kGreedy, .logprobs = 2});
  EXPECT_EQ(fresh.cached, 0u);
  EXPECT_EQ(fresh.ids, further.ids);
}

TEST_F(SessionTest, ChunksOfThePromptGiveTheSameAnswer) {
  Ids prompt;
  for (TokenId i = 0; i < 23; ++i) prompt.push_back(i * 7 % 256);
  const Generated whole = generate(prompt, {.max_tokens = 8, .sampling = kGreedy});
  EXPECT_EQ(whole.prefill_steps, 0);
  for (const std::int64_t batch : {1, 5, 22, 23}) {
    open(TinyLlama(), {.max_batch = batch, .exact = true});
    const Generated chunked = generate(prompt, {.max_tokens = 8, .sampling = kGreedy});
    EXPECT_EQ(chunked.ids, whole.ids) << batch;
    EXPECT_EQ(chunked.prefill_steps, (23 + batch - 1) / batch - 1);
  }
}

TEST_F(SessionTest, EndsAtMaxTokens) {
  const Generated one = generate({1}, {.max_tokens = 1, .sampling = kGreedy});
  EXPECT_EQ(one.ids.size(), 1u);
  EXPECT_EQ(one.reason, FinishReason::kLength);
  const auto idle = session_->step(pool_);
  ASSERT_FALSE(idle);
  EXPECT_EQ(idle.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(SessionTest, EndsWhereTheContextIsFull) {
  const Generated all = generate({1, 2, 3, 4}, always('a'));
  // 60 more fit beside the prompt, and the last token need not be processed.
  EXPECT_EQ(all.ids.size(), 61u);
  EXPECT_EQ(all.reason, FinishReason::kLength);
  EXPECT_EQ(all.text, std::string(61, 'a'));
  expect_refused(Ids(64, 1), {}, ErrorCode::kContextOverflow, "prompt");
  expect_refused(Ids(1000, 1), {}, ErrorCode::kContextOverflow, "prompt");
  EXPECT_EQ(generate(Ids(63, 1), always('a')).ids.size(), 2u);
}

TEST_F(SessionTest, AContextOfOneTokenScoresButCannotAnswer) {
  open(TinyLlama(), {.context_length = 1});
  expect_refused({1}, {}, ErrorCode::kContextOverflow, "prompt");
  int rows = 0;
  const auto take = [&](std::size_t, std::span<const float>) { ++rows; };
  EXPECT_TRUE(session_->forward({1}, true, true, pool_, take));
  EXPECT_EQ(rows, 1);
  const auto full = session_->forward({1}, false, true, pool_, take);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kContextOverflow);
}

TEST_F(SessionTest, EndsAtStopTokens) {
  const Generated natural = generate({1, 2}, always(TinyLlama::kEnd));
  EXPECT_EQ(natural.ids, Ids{TinyLlama::kEnd});
  EXPECT_EQ(natural.reason, FinishReason::kStop);
  EXPECT_EQ(natural.text, "");
  GenerateOptions options = always('x');
  options.stop_ids = {'y', 'x'};
  const Generated chosen = generate({1, 2}, options);
  EXPECT_EQ(chosen.ids, Ids{'x'});
  EXPECT_EQ(chosen.reason, FinishReason::kStop);
}

TEST_F(SessionTest, StopStringsReachAcrossTokens) {
  // Each token is one "a": the string is found in the third.
  GenerateOptions options = always('a');
  options.stop = {"aaa"};
  const Generated found = generate({1}, options);
  EXPECT_EQ(found.ids.size(), 3u);
  EXPECT_EQ(found.reason, FinishReason::kStop);
  EXPECT_EQ(found.text, "");
  // What might have been the start of one is text when the generation ends otherwise.
  options.stop = {"aaaab"};
  options.max_tokens = 4;
  const Generated not_found = generate({1}, options);
  EXPECT_EQ(not_found.reason, FinishReason::kLength);
  EXPECT_EQ(not_found.text, "aaaa");
}

TEST_F(SessionTest, HalfACharacterAtTheEndIsReplaced) {
  GenerateOptions options = always(0xC3);  // the first byte of é and its like
  options.max_tokens = 1;
  EXPECT_EQ(generate({1}, options).text, "\uFFFD");
  options = always(261);  // the whole of it
  options.max_tokens = 2;
  EXPECT_EQ(generate({1}, options).text, "éé");
}

TEST_F(SessionTest, ControlTokensAreNoText) {
  GenerateOptions options = always(267);
  options.max_tokens = 2;
  const Generated control = generate({1}, options);
  EXPECT_EQ(control.ids, (Ids{267, 267}));
  EXPECT_EQ(control.text, "");
}

TEST_F(SessionTest, RefusalsChangeNothing) {
  ASSERT_EQ(generate({1, 2, 3}, {.max_tokens = 1, .sampling = kGreedy}).cached, 0u);
  expect_refused({}, {}, ErrorCode::kEmptyPrompt, "prompt");
  expect_refused({1, TinyLlama::kVocab}, {}, ErrorCode::kInvalidArgument, "ids");
  expect_refused({0xFFFFFFFF}, {}, ErrorCode::kInvalidArgument, "ids");
  expect_refused({1}, {.stop_ids = {TinyLlama::kVocab}}, ErrorCode::kInvalidArgument, "ids");
  expect_refused({1}, {.logprobs = TinyLlama::kVocab + 1}, ErrorCode::kInvalidArgument, "logprobs");
  expect_refused({1}, {.sampling = {.temperature = -1}}, ErrorCode::kInvalidArgument,
                 "temperature");
  EXPECT_EQ(generate({1, 2, 3}, {.max_tokens = 1, .sampling = kGreedy}).cached, 2u);
}

TEST_F(SessionTest, IsBusyUntilItEndsOrIsAborted) {
  ASSERT_TRUE(session_->generate({1, 2, 3}, {.sampling = kGreedy}));
  ASSERT_TRUE(session_->step(pool_));
  expect_refused({1}, {}, ErrorCode::kBusy, "session");
  const auto forward =
      session_->forward({1}, true, false, pool_, [](std::size_t, std::span<const float>) {});
  ASSERT_FALSE(forward);
  EXPECT_EQ(forward.error().code, ErrorCode::kBusy);
  session_->abort();
  session_->abort();
  EXPECT_FALSE(session_->step(pool_));
  const Generated after = generate({1, 2, 3}, {.max_tokens = 4, .sampling = kGreedy});
  EXPECT_EQ(after.cached, 2u);
  open(TinyLlama());
  EXPECT_EQ(generate({1, 2, 3}, {.max_tokens = 4, .sampling = kGreedy}).ids, after.ids);
}

TEST_F(SessionTest, AbortInTheMiddleOfThePromptKeepsWhatIsDone) {
  open(TinyLlama(), {.max_batch = 4, .exact = true});
  const Ids prompt(10, 3);
  ASSERT_TRUE(session_->generate(prompt, {}));
  ASSERT_EQ(session_->step(pool_)->prompt_done, 4u);
  session_->abort();
  EXPECT_EQ(generate(prompt, {.max_tokens = 1}).cached, 4u);
}

TEST_F(SessionTest, LogprobsAreThoseOfTheModel) {
  const Generated all =
      generate({1, 2}, {.max_tokens = 2, .sampling = kGreedy, .logprobs = TinyLlama::kVocab});
  ASSERT_EQ(all.logprobs.size(), 2u);
  for (const SampledToken& token : all.logprobs) {
    ASSERT_EQ(token.top.size(), static_cast<std::size_t>(TinyLlama::kVocab));
    double sum = 0;
    for (std::size_t i = 0; i < token.top.size(); ++i) {
      sum += std::exp(static_cast<double>(token.top[i].logprob));
      if (i > 0) EXPECT_LE(token.top[i].logprob, token.top[i - 1].logprob);
    }
    // Each is rounded to a float of magnitude below 16: 2^-21 at most, and so is their mean.
    EXPECT_NEAR(sum, 1, std::ldexp(1, -20));
    EXPECT_EQ(token.top[0].id, token.id);
    EXPECT_EQ(token.top[0].logprob, token.logprob);
  }
  EXPECT_EQ(all.logprobs[0].id, all.ids[0]);
  // Filters do not change what is reported.
  GenerateOptions biased = always('q');
  biased.max_tokens = 1;
  biased.logprobs = 0;
  const Generated other = generate({1, 2}, biased);
  ASSERT_EQ(other.logprobs.size(), 1u);
  EXPECT_TRUE(other.logprobs[0].top.empty());
  for (const sample::Candidate& candidate : all.logprobs[0].top) {
    if (candidate.id == 'q') EXPECT_EQ(other.logprobs[0].logprob, candidate.logprob);
  }
}

TEST_F(SessionTest, TheSameSeedGivesTheSameTokens) {
  const auto drawn = [&](std::uint64_t seed) {
    return generate({1, 2}, {.max_tokens = 16, .sampling = {.temperature = 2, .seed = seed}}).ids;
  };
  const Ids first = drawn(7);
  EXPECT_EQ(drawn(7), first);
  EXPECT_NE(drawn(8), first);
}

TEST_F(SessionTest, WeightsThatAreNoNumbersAreAnErrorNotACrash) {
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const float temperature : {0.0F, 1.0F}) {
      TinyLlama tiny;
      tiny.fill("output_norm.weight", poison);
      open(tiny);
      for (int attempt = 0; attempt < 2; ++attempt) {
        ASSERT_TRUE(session_->generate(
            {1, 2}, {.max_tokens = 1, .sampling = {.temperature = temperature}, .logprobs = 3}));
        const auto outcome = session_->step(pool_);
        if (!outcome) EXPECT_EQ(outcome.error().code, ErrorCode::kInternal);
        if (poison != poison) EXPECT_FALSE(outcome);
        // Either way the generation is over.
        const auto idle = session_->step(pool_);
        ASSERT_FALSE(idle);
        EXPECT_EQ(idle.error().code, ErrorCode::kInvalidArgument);
      }
    }
  }
}

TEST_F(SessionTest, ForwardGoesOnFromWhatIsHeld) {
  std::vector<float> whole, parts;
  const auto into = [](std::vector<float>& to) {
    return [&to](std::size_t, std::span<const float> row) {
      to.insert(to.end(), row.begin(), row.end());
    };
  };
  ASSERT_TRUE(session_->forward({1, 2, 3, 4}, true, true, pool_, into(whole)));
  ASSERT_TRUE(session_->forward({1, 2}, true, true, pool_, into(parts)));
  ASSERT_TRUE(session_->forward({3, 4}, false, true, pool_, into(parts)));
  ASSERT_EQ(whole.size(), parts.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    // Attention may sum in another order: 64 terms of a magnitude below 8, 2^-23 each.
    ASSERT_NEAR(whole[i], parts[i], 64 * 8 * std::ldexp(1, -23));
  }
  std::vector<float> last;
  ASSERT_TRUE(session_->forward({1, 2, 3, 4}, true, false, pool_, into(last)));
  EXPECT_EQ(last.size(), static_cast<std::size_t>(TinyLlama::kVocab));
  const auto empty = session_->forward({}, true, false, pool_, into(last));
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::kEmptyPrompt);
}

TEST_F(SessionTest, TheModelCountsItsSessions) {
  EXPECT_EQ(model_->open_sessions, 1);
  auto second = Session::open(model_, nullptr).value();
  EXPECT_EQ(model_->open_sessions, 2);
  second.reset();
  session_.reset();
  EXPECT_EQ(model_->open_sessions, 0);
}

TEST_F(SessionTest, TwoSessionsDoNotMix) {
  const Generated alone = generate({1, 2, 3}, {.max_tokens = 6, .sampling = kGreedy});
  open(TinyLlama());
  auto other = Session::open(model_, nullptr).value();
  ASSERT_TRUE(session_->generate({1, 2, 3}, {.max_tokens = 6, .sampling = kGreedy}));
  ASSERT_TRUE(other->generate({9, 8}, {.sampling = kGreedy}));
  Ids ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(session_->step(pool_)->ids.at(0));
    ASSERT_TRUE(other->step(pool_));
  }
  EXPECT_EQ(ids, alone.ids);
}

}  // namespace
}  // namespace hearth::runtime
