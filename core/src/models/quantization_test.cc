// What configurations and tensors of GPTQ and AWQ may be. That the weights come out right, the
// tests of quant/assemble.h and of the loaded model show; here, that what would not is refused by
// name.
#include "models/quantization.h"

#include <gtest/gtest.h>

#include "models/model.h"
#include "models/tiny_packed.h"

namespace hearth::models {
namespace {

using hearth::testing::TinyPacked;
using hearth::testing::TinyTensor;
using nlohmann::json;

constexpr PackedFormat kGptq = {.group_size = 32};
constexpr PackedFormat kAwq = {.packing = Packing::kAwq, .group_size = 32};

constexpr const char* kMatrix = "blk.0.attn_q.";
constexpr const char* kName = "model.layers.0.self_attn.q_proj.";

Result<Model> build(const TinyPacked& tiny) {
  HEARTH_ASSIGN(Checkpoint checkpoint, tiny.packed.safetensors_checkpoint());
  return build_model(checkpoint, 0);
}

void expect_refused(const TinyPacked& tiny, const std::string& name, ErrorCode code) {
  const Result<Model> model = build(tiny);
  ASSERT_FALSE(model) << name;
  EXPECT_EQ(error_code_name(model.error().code), error_code_name(code)) << model.error().message;
  EXPECT_EQ(model.error().name, name) << model.error().message;
}

void expect_refused(const PackedFormat& format, const std::string& key, const json& value,
                    ErrorCode code = ErrorCode::kUnsupportedConfig) {
  TinyPacked tiny(format);
  tiny.packed.config["quantization_config"][key] = value;
  expect_refused(tiny, "quantization_config." + key, code);
}

TEST(Quantization, FindsTheMatricesOfACheckpoint) {
  for (const PackedFormat& format : {kGptq, kAwq}) {
    const TinyPacked tiny(format);
    const auto checkpoint = tiny.packed.safetensors_checkpoint();
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    ASSERT_NE(checkpoint->quantization(), nullptr);
    EXPECT_EQ(checkpoint->quantization()->matrices.size(), 14u);  // seven a layer
    const auto part = checkpoint->find(std::string(kName) + "weight");
    ASSERT_TRUE(part && part->assembly);
    EXPECT_EQ(part->info.dtype, DType::kZ4);
    EXPECT_EQ(part->info.shape, (Shape{64, 64}));
    // The embedding is a matrix like any other's.
    EXPECT_EQ(checkpoint->find("model.embed_tokens.weight")->assembly, nullptr);
    EXPECT_TRUE(build(tiny));
  }
}

TEST(Quantization, IsDescribedInAFewWords) {
  const auto words = [](const PackedFormat& format) {
    return Quantization{.format = format, .matrices = {}}.description();
  };
  EXPECT_EQ(words({.bits = 4, .group_size = 128}), "GPTQ 4-bit, groups of 128");
  EXPECT_EQ(words({.bits = 8, .act_order = true}),
            "GPTQ 8-bit, one group a row, columns by importance");
  EXPECT_EQ(words(kAwq), "AWQ 4-bit, groups of 32");
}

TEST(Quantization, RefusesFormatsThatItDoesNotKnow) {
  expect_refused(kGptq, "quant_method", "aqlm");
  expect_refused(kGptq, "bits", 5);
  expect_refused(kGptq, "bits", nullptr, ErrorCode::kMissingMetadata);
  expect_refused(kGptq, "group_size", 0);
  expect_refused(kGptq, "group_size", 24);
  expect_refused(kGptq, "group_size", -2);
  expect_refused(kGptq, "group_size", 32.5);
  expect_refused(kGptq, "group_size", 1e300);
  expect_refused(kGptq, "checkpoint_format", "marlin");
  expect_refused(kGptq, "pack_dtype", "int16");
  expect_refused(kGptq, "is_marlin_format", true);
  expect_refused(kGptq, "dynamic", json::object({{"layers.0", 1}}));
  expect_refused(kGptq, "desc_act", "yes");
  expect_refused(kAwq, "version", "gemv");
  expect_refused(kAwq, "zero_point", false);
  expect_refused(kAwq, "bits", 3);
  TinyPacked tiny(kAwq);
  tiny.packed.config["quantization_config"]["version"] = "GEMM";
  EXPECT_TRUE(build(tiny));
}

TEST(Quantization, RefusesAConfigurationThatTheTensorsContradict) {
  TinyPacked unsaid(kGptq);
  unsaid.packed.config.erase("quantization_config");
  expect_refused(unsaid, "quantization_config", ErrorCode::kMissingMetadata);
  TinyPacked unused(kGptq);
  unused.packed.tensors = unused.floats.tensors;
  expect_refused(unused, "quantization_config.quant_method", ErrorCode::kUnsupportedConfig);
  // Three bits do not give the shapes that four do.
  TinyPacked other(kGptq);
  other.packed.config["quantization_config"]["bits"] = 3;
  const auto built = build(other);
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().code, ErrorCode::kShapeMismatch) << built.error().message;
}

TEST(Quantization, RefusesTensorsThatMakeNoMatrix) {
  for (const char* part : {"qzeros", "scales"}) {
    TinyPacked tiny(kGptq);
    tiny.packed.tensors.erase(std::string(kMatrix) + part);
    expect_refused(tiny, std::string(kName) + part, ErrorCode::kMissingTensor);
  }
  const auto replaced = [](const PackedFormat& format, const char* part, DType dtype, Shape shape) {
    TinyPacked tiny(format);
    const auto bytes =
        static_cast<std::size_t>(dtype_bytes(dtype, static_cast<std::uint64_t>(shape.elements())));
    tiny.packed.tensors[std::string(kMatrix) + part] =
        TinyTensor{dtype, shape, std::vector<std::uint8_t>(bytes)};
    expect_refused(tiny, std::string(kName) + part, ErrorCode::kShapeMismatch);
  };
  replaced(kGptq, "qweight", DType::kF32, {8, 64});
  replaced(kGptq, "qweight", DType::kI32, {9, 64});  // 72 columns
  replaced(kGptq, "qweight", DType::kI32, {8, 60});
  replaced(kGptq, "qweight", DType::kI32, {512});
  replaced(kAwq, "qweight", DType::kI32, {40, 8});
  replaced(kGptq, "qzeros", DType::kI32, {1, 8});
  replaced(kGptq, "qzeros", DType::kF32, {2, 8});
  replaced(kGptq, "scales", DType::kI32, {2, 64});
  replaced(kGptq, "scales", DType::kF16, {3, 64});
  replaced(kGptq, "g_idx", DType::kI32, {63});
  // No order without groups.
  TinyPacked shuffled({.group_size = 32, .act_order = true});
  shuffled.packed.tensors.erase(std::string(kMatrix) + "g_idx");
  expect_refused(shuffled, std::string(kName) + "g_idx", ErrorCode::kMissingTensor);
  TinyPacked twice(kGptq);
  const std::string weight = std::string(kMatrix) + "weight";
  twice.packed.tensors[weight] = twice.floats.tensors.at(weight);
  expect_refused(twice, std::string(kName) + "weight", ErrorCode::kDuplicateTensor);
}

TEST(Quantization, RefusesAnEmbeddingOutOfOrder) {
  TinyPacked tiny({.group_size = 32, .act_order = true});
  for (const char* part : {"qweight", "qzeros", "scales", "g_idx"}) {
    tiny.packed.tensors[std::string("token_embd.") + part] =
        tiny.packed.tensors.at(std::string(kMatrix) + part);
  }
  tiny.packed.tensors.erase("token_embd.weight");
  tiny.packed.tensors.erase("output.weight");
  tiny.packed.config["vocab_size"] = 64;
  tiny.packed.config["tie_word_embeddings"] = true;
  expect_refused(tiny, "model.embed_tokens.weight", ErrorCode::kUnsupportedConfig);
}

TEST(Quantization, ColumnsOutOfOrderAreGatheredBeforeTheirMatrix) {
  const auto gathers = [](const PackedFormat& format) {
    const auto model = build(TinyPacked(format));
    if (!model) return -1;
    int count = 0;
    for (const graph::Node& node : model->graph.nodes) {
      count += node.op() == graph::Op::kGatherColumns;
    }
    return count;
  };
  EXPECT_EQ(gathers({.group_size = 32, .act_order = true}), 14);
  EXPECT_EQ(gathers({.group_size = 32}), 0);
  EXPECT_EQ(gathers({.group_size = -1, .act_order = true}), 0);  // one group has one order
}

}  // namespace
}  // namespace hearth::models
