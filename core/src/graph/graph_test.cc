// The builder: its first error sticks, and a weight is one value however often it is asked for.
#include "graph/graph.h"

#include <gtest/gtest.h>

#include "graph/fake_weights.h"

namespace hearth::graph {
namespace {

using testing::FakeWeights;
using testing::ops_of;

TEST(Builder, KeepsTheFirstErrorAndDoesNothingMore) {
  FakeWeights weights;
  weights.add("w", {8, 4});
  Builder builder(ops::op_table(), weights);
  const ValueId ids = builder.input("ids", DType::kI32, {kTokens});
  EXPECT_FALSE(builder.failed());
  EXPECT_EQ(builder.weight("absent", {8}), kNone);
  EXPECT_TRUE(builder.failed());
  // All of these would be errors of their own, or values.
  EXPECT_EQ(builder.weight("also absent", {8}), kNone);
  EXPECT_EQ(builder.weight("w", {8, 4}), kNone);
  EXPECT_EQ(builder.embed(ids, kNone), kNone);
  EXPECT_EQ(builder.add("sum", kNone, kNone), kNone);
  EXPECT_EQ(builder.input("more", DType::kI32, {kTokens}), kNone);
  builder.set_error({ErrorCode::kInternal, "Later.", "later"});
  const Result<Graph> graph = std::move(builder).finish(kNone);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::kMissingTensor);
  EXPECT_EQ(graph.error().name, "absent");
}

TEST(Builder, ReadsMatricesThatAreStoredTransposed) {
  FakeWeights weights;
  weights.add("w", {8, 4}).add("q", {32, 64}, DType::kQ4_0);
  Builder builder(ops::op_table(), weights);
  const ValueId w = builder.transposed_weight("w", {4, 8});
  const Result<Graph> graph = std::move(builder).finish(w);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->value(w).shape, (Shape{4, 8}));
  ASSERT_EQ(graph->value(w).parts.size(), 1u);
  EXPECT_TRUE(graph->value(w).parts[0].transposed);
  EXPECT_EQ(graph->value(w).parts[0].info.shape, (Shape{4, 8}));

  const auto refused = [&](std::string_view tensor, Shape shape) {
    Builder other(ops::op_table(), weights);
    EXPECT_EQ(other.transposed_weight(tensor, shape), kNone);
    return std::move(other).finish(kNone).error();
  };
  EXPECT_EQ(refused("absent", {4, 8}).code, ErrorCode::kMissingTensor);
  EXPECT_EQ(refused("w", {8, 4}).code, ErrorCode::kShapeMismatch);
  EXPECT_EQ(refused("q", {64, 32}).code, ErrorCode::kUnsupportedConfig);
}

TEST(Builder, GathersRowsOfATensor) {
  FakeWeights weights;
  weights.add("w", {12, 5}, DType::kF16).add("b", {12});
  Builder builder(ops::op_table(), weights);
  // The second two rows of each four.
  const RowRange rows{.first = 2, .count = 2, .stride = 4, .times = 3};
  const ValueId w = builder.weight_rows("w", "odd", {12, 5}, rows);
  const ValueId b = builder.weight_rows("b", "odd", {12}, rows);
  const Result<Graph> graph = std::move(builder).finish(w);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->value(w).name, "w:odd");
  EXPECT_EQ(graph->value(w).shape, (Shape{6, 5}));
  EXPECT_EQ(graph->value(b).shape, (Shape{6}));
  ASSERT_EQ(graph->value(w).parts.size(), 3u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const TensorInfo& info = graph->value(w).parts[i].info;
    EXPECT_EQ(info.shape, (Shape{2, 5}));
    EXPECT_EQ(info.bytes, 2u * 5 * 2);
    EXPECT_EQ(info.offset, (2 + 4 * i) * 5 * 2);
    EXPECT_EQ(graph->value(b).parts[i].info.offset, (2 + 4 * i) * 4);
  }
  Builder other(ops::op_table(), weights);
  EXPECT_EQ(other.weight_rows("w", "odd", {12, 6}, rows), kNone);
  EXPECT_EQ(std::move(other).finish(kNone).error().code, ErrorCode::kShapeMismatch);
}

TEST(Builder, ReportsWrongShapesAndWhatAnOpRefuses) {
  FakeWeights weights;
  weights.add("table", {8, 4}).add("w", {8, 4}).add("norm", {5});
  {
    Builder builder(ops::op_table(), weights);
    builder.weight("w", {4, 8});
    const auto graph = std::move(builder).finish(kNone);
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().code, ErrorCode::kShapeMismatch);
    EXPECT_EQ(graph.error().name, "w");
    EXPECT_NE(graph.error().message.find("(8, 4)"), std::string::npos);
    EXPECT_NE(graph.error().message.find("(4, 8)"), std::string::npos);
  }
  {
    // The second use of a tensor is held to its shape as the first is.
    Builder builder(ops::op_table(), weights);
    EXPECT_NE(builder.weight("w", {8, 4}), kNone);
    EXPECT_EQ(builder.weight("w", {4, 8}), kNone);
    EXPECT_TRUE(builder.failed());
  }
  Builder builder(ops::op_table(), weights);
  builder.set_scope("layers.0.");
  const auto ids = builder.input("ids", DType::kI32, {kTokens});
  const auto x = builder.embed(ids, builder.weight("table", {8, 4}));
  EXPECT_EQ(builder.rms_norm("norm", x, builder.weight("norm", {5}), {.epsilon = 1e-5F}), kNone);
  const auto graph = std::move(builder).finish(x);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::kShapeMismatch);
  EXPECT_EQ(graph.error().name, "norm");
  EXPECT_NE(graph.error().message.find("layers.0.norm"), std::string::npos);
}

TEST(Builder, ATiedWeightIsOneValueReadTwice) {
  FakeWeights weights;
  weights.add("table", {8, 4});
  Builder builder(ops::op_table(), weights);
  const auto ids = builder.input("ids", DType::kI32, {kTokens});
  const auto table = builder.weight("table", {8, 4});
  const auto x = builder.embed(ids, table);
  EXPECT_EQ(builder.optional_weight("table", {8, 4}), table);
  EXPECT_EQ(builder.optional_weight("absent", {8, 4}), kNone);
  EXPECT_FALSE(builder.failed());
  const auto logits = builder.linear("logits", x, builder.weight("table", {8, 4}));
  const Graph graph = std::move(builder).finish(logits).value();
  EXPECT_EQ(ops_of(graph), "embed linear");
  const std::vector<int> uses = graph.use_counts();
  EXPECT_EQ(uses[static_cast<std::size_t>(table)], 2);
  EXPECT_EQ(uses[static_cast<std::size_t>(ids)], 1);
  EXPECT_EQ(uses[static_cast<std::size_t>(x)], 1);
  EXPECT_EQ(uses[static_cast<std::size_t>(logits)], 1) << "the caller reads it";
  EXPECT_EQ(graph.value(logits).shape, (Shape{kTokens, 8}));
}

}  // namespace
}  // namespace hearth::graph
