// What sessions of models on a GPU ask for, and what they make of the answers. There is no GPU
// here: the test plays the host, and answers with ids of its own.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "gpu/sample.h"
#include "runtime/session.h"
#include "runtime/tiny_model.h"

namespace hearth::runtime {
namespace {

using hearth::testing::tiny_tokenizer;
using hearth::testing::TinyLlama;
using Ids = std::vector<TokenId>;

/// The fields of a step's uniform, in the order of kernels/step.wgsl.
struct Uniform {
  std::uint32_t position, tokens, outputs, draw, history;
};

class GpuSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    adapter_.description = "a test";
    const auto file = TinyLlama().gguf();
    auto checkpoint = TinyLlama::checkpoint(file, "").value();
    model_ = LoadedModel::open(std::move(checkpoint), {.max_batch = 16, .gpu = &adapter_}, false)
                 .value();
    ASSERT_TRUE(model_->finish_loading());
    session_ = Session::open(model_, tiny_tokenizer()).value();
  }
  const gpu::Handles& handles() const { return model_->gpu()->handles; }

  static std::optional<Bytes> written(const gpu::Step& step, std::uint32_t buffer) {
    for (const gpu::Write& write : step.writes) {
      if (write.buffer == buffer) return write.data;
    }
    return std::nullopt;
  }
  Uniform uniform(const gpu::Step& step) const {
    Uniform read{};
    const auto data = written(step, handles().step);
    EXPECT_TRUE(data && data->size() >= sizeof read);
    if (data) std::memcpy(&read, data->data(), sizeof read);
    return read;
  }
  Ids ids(const gpu::Step& step) const {
    const auto data = written(step, handles().ids);
    if (!data) return {};
    Ids read(data->size() / 4);
    std::memcpy(read.data(), data->data(), data->size());
    return read;
  }
  gpu::Step schedule() {
    auto step = session_->schedule();
    EXPECT_TRUE(step);
    return step ? *step : gpu::Step{};
  }
  StepOutcome take(TokenId id) {
    auto outcome = session_->take({reinterpret_cast<const std::uint8_t*>(&id), sizeof id});
    EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().message);
    return outcome ? *outcome : StepOutcome{};
  }

  gpu::Adapter adapter_;
  std::shared_ptr<LoadedModel> model_;
  std::unique_ptr<Session> session_;
};

constexpr sample::Settings kGreedy = {.temperature = 0};

TEST_F(GpuSessionTest, RunsAheadOfTheAnswers) {
  ASSERT_EQ(session_->generate({1, 2, 3}, {.sampling = kGreedy}).value(), 0u);
  const gpu::Step prefill = schedule();
  EXPECT_EQ(ids(prefill), (Ids{1, 2, 3}));
  EXPECT_EQ(prefill.read, "id");
  EXPECT_EQ(prefill.programs, (std::vector{handles().few, handles().greedy}));
  EXPECT_EQ(uniform(prefill).outputs, 1u);
  EXPECT_EQ(uniform(prefill).history, 3u);
  for (std::uint32_t ahead = 0; ahead < 3; ++ahead) {
    const gpu::Step step = schedule();
    EXPECT_EQ(step.programs, (std::vector{handles().decode, handles().greedy}));
    // The device has the id that this step begins with; the host never saw it.
    EXPECT_TRUE(ids(step).empty());
    EXPECT_EQ(uniform(step).position, 3 + ahead);
    EXPECT_EQ(uniform(step).draw, 1 + ahead);
    EXPECT_EQ(step.length, 4 + ahead);
  }
  EXPECT_EQ(take(10).ids, (Ids{10}));
  EXPECT_EQ(take(11).ids, (Ids{11}));
  // Later steps go on where the last one submitted stopped, not the last one answered.
  EXPECT_EQ(uniform(schedule()).position, 6u);
}

TEST_F(GpuSessionTest, LongPromptsComeInChunks) {
  Ids prompt;
  for (TokenId id = 0; id < 40; ++id) prompt.push_back(id);
  ASSERT_TRUE(session_->generate(prompt, {.sampling = kGreedy}));
  for (const std::size_t begin : {0, 16}) {
    const gpu::Step step = schedule();
    EXPECT_EQ(ids(step).size(), 16u);
    EXPECT_EQ(ids(step)[0], begin);
    EXPECT_EQ(step.programs, (std::vector{handles().prefill}));
    EXPECT_EQ(step.read, "");
    EXPECT_EQ(step.outputs, 0u);
  }
  const gpu::Step last = schedule();
  EXPECT_EQ(ids(last).size(), 8u);
  EXPECT_EQ(last.read, "id");
}

TEST_F(GpuSessionTest, StopsAtAStopTokenAndForgetsWhatRanTooFar) {
  ASSERT_TRUE(session_->generate({1, 2, 3}, {.sampling = kGreedy}));
  for (int i = 0; i < 4; ++i) ASSERT_FALSE(schedule().programs.empty());
  EXPECT_EQ(take(10).phase, Phase::kPrefill);
  const StepOutcome end = take(TinyLlama::kEnd);
  EXPECT_EQ(end.finish_reason, FinishReason::kStop);
  EXPECT_TRUE(schedule().programs.empty());
  const std::uint32_t stray = 5;
  EXPECT_FALSE(session_->take({reinterpret_cast<const std::uint8_t*>(&stray), 4}));
  // Held are the prompt and the token before the stop, whose step had been submitted.
  EXPECT_EQ(session_->generate({1, 2, 3, 10, 20}, {.sampling = kGreedy}).value(), 4u);
  const gpu::Step next = schedule();
  EXPECT_EQ(uniform(next).position, 4u);
  EXPECT_EQ(ids(next), (Ids{20}));
}

TEST_F(GpuSessionTest, SchedulesNoMoreThanWasAskedFor) {
  ASSERT_TRUE(session_->generate({1, 2}, {.max_tokens = 3, .sampling = kGreedy}));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(schedule().programs.empty());
  EXPECT_TRUE(schedule().programs.empty());
  take(10);
  take(11);
  EXPECT_EQ(take(12).finish_reason, FinishReason::kLength);
}

TEST_F(GpuSessionTest, StopsWhereTheContextEnds) {
  const auto capacity = static_cast<std::size_t>(model_->context_length());
  const Ids prompt(capacity - 2, 1);
  ASSERT_TRUE(session_->generate(prompt, {.sampling = kGreedy}));
  std::size_t answers = 0, most = 0;
  for (gpu::Step step = schedule(); !step.programs.empty(); step = schedule()) {
    most = std::max<std::size_t>(most, step.length);
    if (!step.read.empty()) ++answers;
  }
  EXPECT_EQ(most, capacity);
  ASSERT_EQ(answers, 3u);
  EXPECT_EQ(take(10).finish_reason, FinishReason::kNone);
  EXPECT_EQ(take(10).finish_reason, FinishReason::kNone);
  EXPECT_EQ(take(10).finish_reason, FinishReason::kLength);
}

TEST_F(GpuSessionTest, ALostDeviceIsFedEverythingAgain) {
  ASSERT_TRUE(session_->generate({1, 2, 3}, {.sampling = kGreedy}));
  for (int i = 0; i < 4; ++i) schedule();
  take(10);
  take(11);
  session_->lose(false);
  const gpu::Step again = schedule();
  EXPECT_EQ(ids(again), (Ids{1, 2, 3, 10, 11}));
  EXPECT_EQ(uniform(again).position, 0u);
  // The draw's number goes on: the same seed gives the same text as without the loss.
  EXPECT_EQ(uniform(again).draw, 2u);
  EXPECT_EQ(take(12).ids, (Ids{12}));
}

TEST_F(GpuSessionTest, ForwardGivesRowsInChunksAndGoesOnAfterALoss) {
  Ids ids_of_40;
  for (TokenId id = 0; id < 40; ++id) ids_of_40.push_back(id);
  EXPECT_EQ(session_->begin_gpu_forward(ids_of_40, true, true).value(), 40u);
  std::size_t rows = 0;
  for (gpu::Step step = schedule(); !step.programs.empty(); step = schedule()) {
    rows += step.outputs;
    EXPECT_EQ(step.read, "logits");
    EXPECT_EQ(ids(step).size(), step.tokens);
  }
  EXPECT_EQ(rows, 40u);
  session_->lose(false);
  // What the session held comes first again, and gives no rows.
  EXPECT_EQ(session_->begin_gpu_forward({7, 8}, false, true).value(), 2u);
  rows = 0;
  std::uint32_t processed = 0;
  for (gpu::Step step = schedule(); !step.programs.empty(); step = schedule()) {
    rows += step.outputs;
    processed += step.tokens;
  }
  EXPECT_EQ(rows, 2u);
  EXPECT_EQ(processed, 42u);
}

TEST_F(GpuSessionTest, AForwardCutShortByALossIsBegunAgainFromWhereItWas) {
  ASSERT_TRUE(session_->begin_gpu_forward({1, 2, 3}, true, false));
  schedule();
  ASSERT_TRUE(session_->begin_gpu_forward({4, 5}, false, false));
  schedule();
  session_->lose(true);
  ASSERT_TRUE(session_->begin_gpu_forward({4, 5}, false, false));
  EXPECT_EQ(ids(schedule()), (Ids{1, 2, 3, 4, 5}));
}

TEST_F(GpuSessionTest, PenaltiesCountTheTokensOfTheirWindow) {
  sample::Settings settings{.temperature = 1,
                            .top_k = 4,
                            .frequency_penalty = 0.5F,
                            .penalty_window = 3,
                            .seed = 0x100000002};
  settings.logit_bias = {{7, 1.5F}};
  ASSERT_TRUE(session_->generate({5, 6, 6, 7}, {.sampling = settings}));
  const gpu::Step step = schedule();
  EXPECT_EQ(step.programs.back(), handles().sample[gpu::kCutTopK]);
  const auto sent = written(step, handles().settings);
  ASSERT_TRUE(sent);
  ASSERT_EQ(sent->size(), 48u + 8u);
  EXPECT_EQ(load_le<float>(sent->data()), 1.0F);
  EXPECT_EQ(load_le<std::uint32_t>(sent->data() + 12), 4u);
  EXPECT_EQ(load_le<std::uint32_t>(sent->data() + 32), 2u);
  EXPECT_EQ(load_le<std::uint32_t>(sent->data() + 36), 1u);
  EXPECT_EQ(load_le<std::uint32_t>(sent->data() + 48), 7u);
  const auto counts = written(step, handles().counts);
  ASSERT_TRUE(counts);
  EXPECT_EQ(load_le<std::uint32_t>(counts->data() + 4 * 5), 0u);
  EXPECT_EQ(load_le<std::uint32_t>(counts->data() + 4 * 6), 2u);
  EXPECT_EQ(load_le<std::uint32_t>(counts->data() + 4 * 7), 1u);
  // Once: afterwards the device counts by itself.
  EXPECT_FALSE(written(schedule(), handles().counts));
}

TEST_F(GpuSessionTest, LogprobsAreTakenFromLogitsReadBack) {
  ASSERT_TRUE(session_->generate({1, 2}, {.sampling = kGreedy, .logprobs = 1}));
  const gpu::Step step = schedule();
  EXPECT_EQ(step.read, "logits");
  EXPECT_EQ(step.programs.size(), 1u);
  EXPECT_TRUE(schedule().programs.empty());
  std::vector<float> logits(static_cast<std::size_t>(TinyLlama::kVocab), 0.0F);
  logits[42] = 3;
  const auto outcome = session_->take(
      {reinterpret_cast<const std::uint8_t*>(logits.data()), logits.size() * sizeof(float)});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->ids, (Ids{42}));
  ASSERT_EQ(outcome->logprobs.size(), 1u);
  EXPECT_NEAR(outcome->logprobs[0].logprob, 3 - std::log(std::exp(3.0) + TinyLlama::kVocab - 1.0),
              1e-4);
  EXPECT_EQ(ids(schedule()), (Ids{42}));
}

TEST_F(GpuSessionTest, AnswersThatCannotBeEndOrAreRefused) {
  ASSERT_TRUE(session_->generate({1, 2}, {.sampling = kGreedy}));
  schedule();
  const std::uint8_t three[3] = {};
  const auto small = session_->take(three);
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::kInvalidArgument);
  const TokenId none = 0xffffffff;
  const auto no_number = session_->take({reinterpret_cast<const std::uint8_t*>(&none), 4});
  ASSERT_FALSE(no_number);
  EXPECT_EQ(no_number.error().code, ErrorCode::kInternal);
  EXPECT_TRUE(session_->generate({1, 2}, {.sampling = kGreedy}));
}

TEST_F(GpuSessionTest, DoesNotRunOnTheCpuNorTwice) {
  cpu::ThreadPool pool(1);
  EXPECT_FALSE(session_->step(pool));
  EXPECT_FALSE(Session::open(model_, tiny_tokenizer()));
  session_.reset();
  EXPECT_TRUE(Session::open(model_, tiny_tokenizer()));
}

}  // namespace
}  // namespace hearth::runtime
