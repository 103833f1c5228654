// The engine through its messages: bad input of every kind, each with its code and none with an
// effect on what comes after.
#include "abi/engine.h"

#include <gtest/gtest.h>

#include "abi/test_host.h"
#include "models/tiny_packed.h"

namespace hearth::abi {
namespace {

using testing::TestHost;
using testing::TinyLlama;

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    answer_ = host_.tiny_answer();
    ASSERT_EQ(answer_.size(), 10u);
  }
  // After every test the same engine loads and runs the model as at first.
  void TearDown() override { EXPECT_EQ(host_.tiny_answer(), answer_); }

  template <typename T>
  void expect(const std::expected<T, testing::WireError>& result, std::string_view code,
              std::string_view name) {
    ASSERT_FALSE(result) << code;
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_EQ(result.error().name, name) << result.error().message;
    EXPECT_TRUE(result.error().message.ends_with(".")) << result.error().message;
    EXPECT_EQ(host_.tiny_answer(), answer_) << code;
  }

  TestHost host_;
  std::vector<std::uint32_t> answer_;
};

TEST_F(EngineTest, FilesOfNoKnownFormat) {
  std::vector<std::uint8_t> file = TinyLlama().gguf();
  file[0] = 'X';
  expect(host_.open_file(file), "bad_magic", "test.gguf");
  expect(host_.open_file({'G', 'G', 'U'}), "truncated_header", "test.gguf");
  expect(host_.open_file({}), "truncated_header", "test.gguf");
  const std::vector<std::uint8_t> head = {1, 2, 3};
  expect(host_.call<"file_open">({.name = "f", .size = 2, .head = head}), "invalid_argument", "f");
  // A short head of a longer file is asked for more.
  const auto more = host_.call<"file_open">({.name = "f", .size = 100, .head = head});
  ASSERT_TRUE(more);
  EXPECT_EQ(more->need, 100u);
  EXPECT_EQ(more->file, 0u);
}

TEST_F(EngineTest, HeadersCutShortOrLying) {
  const std::vector<std::uint8_t> file = TinyLlama().gguf();
  const std::uint64_t data = parse_gguf(file, file.size())->header->data_offset;
  for (const std::uint64_t size : {std::uint64_t{12}, std::uint64_t{100}, data / 2}) {
    const std::vector<std::uint8_t> cut(file.begin(),
                                        file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto opened = host_.open_file(cut);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "truncated_header");
    // The same bytes as the start of a longer file are a question, not an error.
    const auto need =
        host_.call<"file_open">({.name = "f", .size = file.size(), .head = Bytes(cut)});
    ASSERT_TRUE(need);
    EXPECT_GT(need->need, size);
    EXPECT_LE(need->need, file.size());
  }
  const std::vector<std::uint8_t> no_end(file.begin(), file.end() - 1);
  const auto truncated = host_.open_file(no_end);
  ASSERT_FALSE(truncated);
  EXPECT_EQ(truncated.error().code, "truncated_data");

  GgufBuilder past_end = TinyLlama().gguf_builder();
  past_end.add_tensor_entry("far", {32}, 0, 1ull << 40);
  expect(host_.open_file(past_end.build()), "tensor_out_of_bounds", "far");
  GgufBuilder many = TinyLlama().gguf_builder();
  const auto counted = host_.open_file(many.set_tensor_count(1ull << 60).build());
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().code, "count_too_large");
  std::vector<std::uint8_t> length(8, 0);
  length[7] = 0x80;  // 2^63
  GgufBuilder long_text = TinyLlama().gguf_builder();
  const auto text = host_.open_file(
      long_text.add_raw("long", static_cast<std::uint32_t>(GgufType::kString), length).build());
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, "count_too_large");
  GgufBuilder unknown = TinyLlama().gguf_builder();
  unknown.add_tensor_entry("strange", {32}, 999, 0);
  expect(host_.open_file(unknown.build()), "unsupported_dtype", "strange");
}

TEST_F(EngineTest, ModelsThatCannotBe) {
  TinyLlama other;
  other.metadata["general.architecture"] = "mamba";
  expect(host_.load(other.gguf()), "unsupported_architecture", "mamba");
  TinyLlama missing;
  missing.tensors.erase("blk.1.ffn_up.weight");
  expect(host_.load(missing.gguf()), "missing_tensor", "blk.1.ffn_up.weight");
  expect(host_.load(TinyLlama().gguf(), {.memory_limit = 1000}), "out_of_memory", "model");
  expect(host_.load(TinyLlama().gguf(), {.context_length = 65}), "invalid_argument",
         "context_length");
  expect(host_.load(TinyLlama().gguf(), {.max_batch = 0xFFFFFFFF}), "invalid_argument",
         "max_batch");
  expect(host_.call<"model_open">({}), "invalid_argument", "files");
  expect(host_.call<"tokenizer_open">({}), "malformed_json", "tokenizer.json");
}

TEST_F(EngineTest, PromptsThatCannotBe) {
  const auto loaded = host_.load(TinyLlama().gguf());
  ASSERT_TRUE(loaded);
  const std::uint32_t session = loaded->session;
  const auto generate = [&](SessionGenerate request) {
    request.session = session;
    return host_.call<"session_generate">(request);
  };
  expect(generate({}), "empty_prompt", "prompt");
  expect(generate({.prompt = std::string(100, '!')}), "context_overflow", "prompt");
  expect(generate({.prompt_ids = {TinyLlama::kVocab}}), "invalid_argument", "ids");
  SessionGenerate unknown{.prompt = "a"};
  unknown.sampling.logit_bias = {{.id = TinyLlama::kVocab, .bias = 1}};
  expect(generate(unknown), "invalid_argument", "logit_bias");
  expect(host_.call<"session_forward">({.session = session}), "empty_prompt", "ids");
  expect(host_.call<"session_forward">(
             {.session = session, .ids = std::vector<std::uint32_t>(1 << 20, 0), .all = true}),
         "invalid_argument", "ids");
  expect(host_.call<"session_forward">({.session = session, .ids = {1u << 31}}), "invalid_argument",
         "ids");
  expect(host_.call<"session_score">({.session = session, .ids = {1}}), "empty_prompt", "ids");
  // What is no UTF-8 is read as U+FFFD.
  const std::vector<std::uint8_t> broken = {'a', 0xC3};
  const std::vector<std::uint8_t> repaired = {'a', 0xEF, 0xBF, 0xBD};
  const auto tokenize = [&](const std::vector<std::uint8_t>& text) {
    return host_.call<"tokenize">({.tokenizer = loaded->tokenizer, .text = text});
  };
  const auto ids = tokenize(broken);
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->ids, tokenize(repaired)->ids);
  expect(host_.call<"detokenize">({.tokenizer = loaded->tokenizer, .ids = {TinyLlama::kVocab}}),
         "invalid_argument", "ids");
  // The session itself is as good as before.
  EXPECT_EQ(host_.answer(session), answer_);
  EXPECT_TRUE(host_.close(*loaded));
}

TEST_F(EngineTest, HandlesThatAreNotOpen) {
  const auto loaded = host_.load(TinyLlama().gguf());
  ASSERT_TRUE(loaded);
  // A model in use stays; its file and tokenizer may go, as those who use them hold them.
  expect(host_.call<"model_close">({.model = loaded->model}), "busy", "model");
  ASSERT_TRUE(host_.call<"file_close">({.file = loaded->file}));
  ASSERT_TRUE(host_.call<"tokenizer_close">({.tokenizer = loaded->tokenizer}));
  EXPECT_EQ(host_.answer(loaded->session), answer_);
  ASSERT_TRUE(host_.call<"session_close">({.session = loaded->session}));
  ASSERT_TRUE(host_.call<"model_close">({.model = loaded->model}));
  for (const bool stale : {true, false}) {
    const auto pick = [&](std::uint32_t handle) { return stale ? handle : 0xFFFFFFFFu; };
    const std::uint32_t file = pick(loaded->file), model = pick(loaded->model),
                        tokenizer = pick(loaded->tokenizer), session = pick(loaded->session);
    expect(host_.call<"file_contents">({.file = file}), "invalid_handle", "file");
    expect(host_.call<"file_close">({.file = file}), "invalid_handle", "file");
    expect(host_.call<"model_open">({.files = {file}}), "invalid_handle", "file");
    expect(host_.call<"model_inspect">({.files = {file}}), "invalid_handle", "file");
    expect(host_.call<"tokenizer_open">({.file = file}), "invalid_handle", "file");
    expect(host_.call<"range_loaded">({.model = model}), "invalid_handle", "model");
    expect(host_.call<"model_ready">({.model = model}), "invalid_handle", "model");
    expect(host_.call<"model_close">({.model = model}), "invalid_handle", "model");
    expect(host_.call<"session_open">({.model = model}), "invalid_handle", "model");
    expect(host_.call<"tokenizer_close">({.tokenizer = tokenizer}), "invalid_handle", "tokenizer");
    expect(host_.call<"tokenize">({.tokenizer = tokenizer}), "invalid_handle", "tokenizer");
    expect(host_.call<"detokenize">({.tokenizer = tokenizer}), "invalid_handle", "tokenizer");
    expect(host_.call<"session_close">({.session = session}), "invalid_handle", "session");
    expect(host_.call<"session_generate">({.session = session}), "invalid_handle", "session");
    expect(host_.call<"session_step">({.session = session}), "invalid_handle", "session");
    expect(host_.call<"session_abort">({.session = session}), "invalid_handle", "session");
    expect(host_.call<"session_forward">({.session = session}), "invalid_handle", "session");
    expect(host_.call<"session_score">({.session = session}), "invalid_handle", "session");
  }
}

TEST_F(EngineTest, AModelThatIsNotLoadedRunsNothing) {
  const std::vector<std::uint8_t> file = TinyLlama().gguf();
  const auto opened = host_.open_file(file);
  ASSERT_TRUE(opened);
  const auto model = host_.call<"model_open">({.files = {opened->file}});
  ASSERT_TRUE(model);
  expect(host_.call<"session_open">({.model = model->model}), "invalid_handle", "model");
  expect(host_.call<"model_ready">({.model = model->model}), "truncated_data",
         model->ranges[0].name);
  expect(host_.call<"range_loaded">({.model = model->model, .range = 1000}), "invalid_argument",
         "range");
  EXPECT_TRUE(host_.call<"model_close">({.model = model->model}));
}

TEST_F(EngineTest, SaysWhatItHolds) {
  const TinyLlama tiny({.matrix = DType::kQ4_1});
  const auto opened = host_.open_file(tiny.gguf());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->format, "gguf");
  const auto contents = host_.call<"file_contents">({.file = opened->file});
  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->tensors.size(), tiny.tensors.size());
  const auto info = host_.call<"model_inspect">({.files = {opened->file}});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->name, "tiny");
  EXPECT_EQ(info->architecture, "llama");
  EXPECT_EQ(info->layers, 2u);
  EXPECT_EQ(info->vocab_size, 268u);
  ASSERT_EQ(info->dtypes.size(), 2u);
  EXPECT_EQ(info->dtypes[0].dtype, "Q4_1");
  EXPECT_EQ(info->dtypes[1].dtype, "F32");
  EXPECT_EQ(info->dtypes[1].tensors, 5u);
}

TEST_F(EngineTest, OrdersColumnsForAGpu) {
  const std::uint8_t groups[] = {1, 0, 0, 0, 0, 0, 0, 0};
  const auto order =
      host_.call<"column_order">({.groups = groups, .group_size = 1, .name = "x.g_idx"});
  ASSERT_TRUE(order);
  EXPECT_EQ(order->order, (std::vector<std::uint32_t>{1, 0}));
  const auto unsorted = host_.call<"column_order">(
      {.groups = groups, .group_size = 1, .sorted = true, .name = "x.g_idx"});
  ASSERT_FALSE(unsorted);
  EXPECT_EQ(unsorted.error().code, "malformed_tensor");
  EXPECT_EQ(unsorted.error().name, "x.g_idx");
  const auto none = host_.call<"column_order">({.groups = groups, .group_size = 0});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, "invalid_argument");
}

TEST_F(EngineTest, SaysHowACheckpointIsQuantized) {
  const hearth::testing::TinyPacked tiny({.group_size = 32});
  const std::vector<std::uint8_t> file = tiny.file();
  const auto opened = host_.call<"file_open">({.name = "m", .size = file.size(), .head = file});
  ASSERT_TRUE(opened);
  const auto info =
      host_.call<"model_inspect">({.files = {opened->file}, .config_json = tiny.config()});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->quantization, "GPTQ 4-bit, groups of 32");
  std::uint64_t weights = 0;
  for (const auto& [name, tensor] : tiny.floats.tensors) {
    weights += static_cast<std::uint64_t>(tensor.shape.elements());
  }
  EXPECT_EQ(info->parameters, weights);
}

TEST_F(EngineTest, ScoresAreTheLogprobsOfForward) {
  const auto loaded = host_.load(TinyLlama().gguf());
  ASSERT_TRUE(loaded);
  const std::vector<std::uint32_t> ids = {3, 1, 4, 1, 5};
  const auto scores = host_.call<"session_score">({.session = loaded->session, .ids = ids});
  ASSERT_TRUE(scores);
  ASSERT_EQ(scores->logprobs.size(), ids.size() - 1);
  const auto logits =
      host_.call<"session_forward">({.session = loaded->session, .ids = ids, .all = true});
  ASSERT_TRUE(logits);
  ASSERT_EQ(logits->rows, ids.size());
  std::vector<float> row(logits->vocab_size);
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    const std::size_t bytes = row.size() * sizeof(float);
    std::memcpy(row.data(), logits->logits.data() + i * bytes, bytes);
    const double expected = static_cast<double>(row[ids[i + 1]]) - sample::log_sum_exp(row);
    EXPECT_EQ(scores->logprobs[i], static_cast<float>(expected));
  }
  EXPECT_TRUE(host_.close(*loaded));
}

}  // namespace
}  // namespace hearth::abi
