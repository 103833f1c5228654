// The load plan, its order of calls, and the memory that a model asks for.
#include "runtime/loaded_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "runtime/tiny_model.h"

namespace hearth::runtime {
namespace {

using hearth::testing::copy_range;
using hearth::testing::load;
using hearth::testing::load_gguf;
using hearth::testing::TinyLlama;

std::unique_ptr<LoadedModel> opened(const TinyLlama& tiny, const OpenOptions& options = {}) {
  return LoadedModel::open(tiny.gguf_checkpoint().value(), options, false).value();
}

std::vector<float> logits_of(LoadedModel& model, const std::vector<TokenId>& ids) {
  cpu::ThreadPool pool(1);
  auto session = Session::open(std::shared_ptr<LoadedModel>(&model, [](LoadedModel*) {}), nullptr);
  std::vector<float> all;
  const auto done =
      (*session)->forward(ids, true, true, pool, [&](std::size_t, std::span<const float> row) {
        all.insert(all.end(), row.begin(), row.end());
      });
  EXPECT_TRUE(done);
  return all;
}

TEST(LoadedModel, PlanCoversEachTensorOnceAndInFileOrder) {
  for (const DType dtype : {DType::kF32, DType::kQ4_1, DType::kQ8_0}) {
    const TinyLlama tiny({.matrix = dtype, .tied = false, .attention_bias = true});
    const auto model = opened(tiny);
    const auto& tensors = model->checkpoint().files()[0]->directory().tensors();
    ASSERT_EQ(model->ranges().size(), tensors.size());
    std::uint64_t read_up_to = 0;
    std::set<std::string> names;
    for (const LoadRange& range : model->ranges()) {
      EXPECT_GE(range.offset, read_up_to) << range.name;
      read_up_to = range.offset + range.bytes;
      const TensorInfo* info = model->checkpoint().files()[0]->directory().find(range.name);
      ASSERT_NE(info, nullptr);
      EXPECT_EQ(range.offset, info->offset);
      EXPECT_EQ(range.bytes, info->bytes);
      EXPECT_EQ(range.file, 0u);
      EXPECT_TRUE(names.insert(range.name).second) << range.name;
    }
  }
}

TEST(LoadedModel, RangesDoNotOverlapInMemory) {
  const TinyLlama tiny(
      {.matrix = DType::kQ4_0, .vector = DType::kF16, .attention_bias = true, .mlp_bias = true});
  const auto model = opened(tiny);
  std::vector<std::pair<const std::uint8_t*, const std::uint8_t*>> spans;
  for (const LoadRange& range : model->ranges()) {
    spans.emplace_back(range.address, range.address + range.bytes);
  }
  std::sort(spans.begin(), spans.end());
  for (std::size_t i = 1; i < spans.size(); ++i) {
    EXPECT_LE(spans[i - 1].second, spans[i].first);
  }
  EXPECT_LE(static_cast<std::uint64_t>(spans.back().second - spans.front().first),
            model->need().weights);
}

TEST(LoadedModel, RefusesRangesOutOfTurn) {
  const TinyLlama tiny;
  const std::vector<std::uint8_t> file = tiny.gguf();
  const auto model = opened(tiny);
  const auto count = static_cast<std::uint32_t>(model->ranges().size());
  for (const std::uint32_t index : {count, 0xFFFFFFFFu}) {
    const auto outside = model->range_loaded(index);
    ASSERT_FALSE(outside);
    EXPECT_EQ(outside.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(outside.error().name, "range");
  }
  // In any order, and each but the one in the middle.
  const std::uint32_t missing = count / 2;
  for (std::uint32_t i = count; i-- > 0;) {
    copy_range(model->ranges()[i], file);
    if (i != missing) ASSERT_TRUE(model->range_loaded(i));
  }
  const auto early = model->finish_loading();
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kTruncatedData);
  EXPECT_EQ(early.error().name, model->ranges()[missing].name);
  EXPECT_FALSE(model->ready());
  const auto twice = model->range_loaded(0);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(model->range_loaded(missing));
  ASSERT_TRUE(model->finish_loading());
  EXPECT_TRUE(model->ready());
  // A range given twice was not converted twice, and the order does not matter.
  EXPECT_EQ(logits_of(*model, {1, 2, 3}), logits_of(*load(file, "", {}).value(), {1, 2, 3}));
}

TEST(LoadedModel, WidensHalfVectorsInPlace) {
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    const TinyLlama narrow({.vector = dtype, .attention_bias = true, .mlp_bias = true});
    // The same values as floats: nothing may differ.
    TinyLlama wide = narrow;
    for (auto& [name, tensor] : wide.tensors) {
      if (tensor.dtype != dtype) continue;
      const std::vector<float> values = tensor.floats();
      tensor.dtype = DType::kF32;
      tensor.bytes.resize(values.size() * sizeof(float));
      std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    }
    const auto a = load_gguf(narrow);
    const auto b = load_gguf(wide);
    EXPECT_EQ(a->need().weights, b->need().weights);
    EXPECT_EQ(logits_of(*a, {5, 6, 7}), logits_of(*b, {5, 6, 7}));
  }
}

// Packing permutes bytes; what it permits is 8-bit activations. Rounding an activation to 8 bits
// errs by half a step, 1/254 of the block's largest; errors of a row's blocks are independent, and
// 13 matrices in sequence (6 a layer and the output) add theirs: 13/254 of the logits' size.
TEST(LoadedModel, PackedWeightsGiveTheSameLogits) {
  for (const DType dtype : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0}) {
    const TinyLlama tiny({.matrix = dtype});
    const std::vector<TokenId> ids = {1, 2, 3, 4, 5, 6, 7, 8};
    const auto exact = logits_of(*load_gguf(tiny, {.exact = true}), ids);
    const auto packed = logits_of(*load_gguf(tiny, {.exact = false}), ids);
    ASSERT_EQ(exact.size(), packed.size());
    double error = 0, size = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      error += std::pow(static_cast<double>(exact[i]) - static_cast<double>(packed[i]), 2);
      size += std::pow(static_cast<double>(exact[i]), 2);
    }
    EXPECT_LT(std::sqrt(error / size), 13.0 / 254) << dtype_name(dtype);
    EXPECT_GT(error, 0) << "the fast kernels were not used for " << dtype_name(dtype);
  }
}

TEST(LoadedModel, SafetensorsLoadAsTheirPlanSays) {
  const TinyLlama tiny({.matrix = DType::kF16, .vector = DType::kBF16, .tied = false});
  const auto model = load(tiny.safetensors(), tiny.config.dump());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->ranges().size(), tiny.tensors.size());
  for (const float logit : logits_of(**model, {1, 2})) EXPECT_TRUE(std::isfinite(logit));
}

TEST(LoadedModel, InspectingAllocatesNothingAndNeedsTheSame) {
  const TinyLlama tiny({.matrix = DType::kQ4_1});
  const auto seen = LoadedModel::open(tiny.gguf_checkpoint().value(), {}, true);
  ASSERT_TRUE(seen);
  EXPECT_TRUE((*seen)->ranges().empty());
  EXPECT_EQ((*seen)->need().total(), opened(tiny)->need().total());
  // 64 tokens, 2 heads of 16, keys and values, 2 layers, floats.
  EXPECT_EQ((*seen)->need().session, 64u * 2 * 16 * 2 * 2 * 4);
}

TEST(LoadedModel, AMemoryLimitIsKeptToTheByte) {
  const TinyLlama tiny;
  const std::uint64_t need = opened(tiny)->need().total();
  EXPECT_TRUE(LoadedModel::open(tiny.gguf_checkpoint().value(), {.memory_limit = need}, false));
  const auto refused =
      LoadedModel::open(tiny.gguf_checkpoint().value(), {.memory_limit = need - 1}, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(refused.error().name, "model");
  // An inspection that names a limit asks whether the model would fit; one that names none only
  // looks.
  const auto inspected =
      LoadedModel::open(tiny.gguf_checkpoint().value(), {.memory_limit = need - 1}, true);
  ASSERT_FALSE(inspected);
  EXPECT_EQ(inspected.error().code, ErrorCode::kOutOfMemory);
  EXPECT_TRUE(LoadedModel::open(tiny.gguf_checkpoint().value(), {.memory_limit = need}, true));
}

// The header claims 2^42 bytes of weights that nobody has; the refusal comes before any allocation.
TEST(LoadedModel, AModelPastTheAddressSpaceIsOutOfMemory) {
  TinyLlama tiny({.layers = 1});
  GgufBuilder builder = tiny.gguf_builder();
  std::uint64_t at = 0;
  constexpr std::uint64_t kWide = 1 << 24;
  for (const auto& [name, tensor] : tiny.tensors) {
    std::vector<std::uint64_t> dims = {static_cast<std::uint64_t>(tensor.shape.back())};
    if (tensor.shape.rank() == 2) dims.push_back(static_cast<std::uint64_t>(tensor.shape[0]));
    for (std::uint64_t& dim : dims) dim = dim == 64 ? kWide : dim == 96 ? kWide : dim;
    if (name == "token_embd.weight") dims[1] = kWide;
    builder.add_tensor_entry(name, dims, 0, at);
    std::uint64_t elements = 1;
    for (std::uint64_t dim : dims) elements *= dim;
    at += elements * 4;
  }
  const std::vector<std::uint8_t> head = builder.build();
  auto parsed = parse_gguf(head, at + (1 << 20));
  ASSERT_TRUE(parsed) << parsed.error().message;
  GgufHeader header = *std::move(parsed->header);
  for (GgufEntry& entry : header.metadata) {
    if (entry.key == "llama.embedding_length" || entry.key == "llama.feed_forward_length") {
      entry.value.value = kWide;
    }
    // 2^20 heads of 16 are as wide as all the counts allow.
    if (entry.key == "llama.attention.head_count") entry.value.value = kWide / 16;
    if (entry.key == "llama.context_length") entry.value.value = kWide;
  }
  auto checkpoint =
      models::Checkpoint::make({std::make_shared<const models::SourceFile>(models::SourceFile{
                                   .name = "huge", .size = at, .header = std::move(header)})},
                               "");
  ASSERT_TRUE(checkpoint);
  const auto model = LoadedModel::open(*checkpoint, {.context_length = 1 << 24}, false);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kOutOfMemory) << model.error().message;
}

TEST(LoadedModel, RefusesBatchesOutOfRange) {
  for (const std::int64_t batch : {std::int64_t{-1}, kLargestBatch + 1, std::int64_t{1} << 40}) {
    const auto model =
        LoadedModel::open(TinyLlama().gguf_checkpoint().value(), {.max_batch = batch}, true);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(model.error().name, "max_batch");
  }
}

TEST(Buffer, RefusesWhatCannotBe) {
  for (const std::uint64_t bytes :
       {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max() - 63,
        std::uint64_t{1} << 63}) {
    const auto buffer = Buffer::allocate(bytes, "test");
    ASSERT_FALSE(buffer) << bytes;
    EXPECT_EQ(buffer.error().code, ErrorCode::kOutOfMemory);
    EXPECT_EQ(buffer.error().name, "test");
  }
  const auto empty = Buffer::allocate(0, "nothing");
  ASSERT_TRUE(empty);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(empty->data()) % Buffer::kAlignment, 0u);
}

}  // namespace
}  // namespace hearth::runtime
