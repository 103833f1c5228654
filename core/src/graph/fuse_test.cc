// Which linears become one, which sums are folded, and which must not be. That fused graphs compute
// the same is cpu/executor_test.cc.
#include "graph/fuse.h"

#include <gtest/gtest.h>

#include "graph/fake_weights.h"

namespace hearth::graph {
namespace {

using testing::FakeWeights;
using testing::ops_of;

class FuseTest : public ::testing::Test {
 protected:
  FuseTest() : b(ops::op_table(), weights) {}

  /// x (tokens, 32)
  ValueId start() {
    weights.add("table", {64, 32}, DType::kQ8_0);
    return b.embed(b.input("ids", DType::kI32, {kTokens}), b.weight("table", {64, 32}));
  }
  ValueId linear(const std::string& name, ValueId x, std::int64_t rows, DType dtype = DType::kF32,
                 bool bias = false, DType bias_dtype = DType::kF32) {
    weights.add(name, {rows, 32}, dtype);
    if (bias) weights.add(name + ".bias", {rows}, bias_dtype);
    return b.linear(name, x, b.weight(name, {rows, 32}),
                    bias ? b.weight(name + ".bias", {rows}) : kNone);
  }
  Graph fused(ValueId output) {
    Graph graph = std::move(b).finish(output).value();
    fuse(graph);
    return graph;
  }

  FakeWeights weights;
  Builder b;
};

TEST_F(FuseTest, LinearsOfOneInputBecomeOneWithSlices) {
  const auto x = start();
  const auto q = linear("q", x, 32, DType::kQ4_1, true);
  const auto k = linear("k", x, 8, DType::kQ4_1, true);
  const auto v = linear("v", x, 12, DType::kQ4_1, true);
  linear("last", q, 4);
  const Graph graph = fused(v);
  ASSERT_EQ(ops_of(graph), "embed linear slice slice slice linear");
  const Node& joined = graph.nodes[1];
  const Value& weight = graph.value(joined.inputs[1]);
  EXPECT_EQ(weight.shape, (Shape{52, 32}));
  EXPECT_EQ(weight.dtype, DType::kQ4_1);
  ASSERT_EQ(weight.parts.size(), 3u);
  EXPECT_EQ(weight.parts[0].info.name, "q");
  EXPECT_EQ(weight.parts[1].info.name, "k");
  EXPECT_EQ(weight.parts[2].info.name, "v");
  const Value& bias = graph.value(joined.inputs[2]);
  EXPECT_EQ(bias.shape, (Shape{52}));
  ASSERT_EQ(bias.parts.size(), 3u);
  EXPECT_EQ(bias.parts[2].info.name, "v.bias");
  EXPECT_EQ(graph.value(joined.output).shape, (Shape{kTokens, 52}));
  // The slices are the values that the linears made, next to each other.
  const ValueId outputs[] = {q, k, v};
  const std::int64_t begins[] = {0, 32, 40}, counts[] = {32, 8, 12};
  for (std::size_t i = 0; i < 3; ++i) {
    const Node& node = graph.nodes[2 + i];
    EXPECT_EQ(node.output, outputs[i]);
    EXPECT_EQ(node.inputs, std::vector<ValueId>{joined.output});
    EXPECT_EQ(std::get<SliceParams>(node.params).begin, begins[i]);
    EXPECT_EQ(std::get<SliceParams>(node.params).count, counts[i]);
  }
}

TEST_F(FuseTest, TypesAreNotMixed) {
  const auto x = start();
  linear("q", x, 32, DType::kQ4_1);
  linear("v", x, 8, DType::kQ8_0);
  const Graph graph = fused(linear("k", x, 8, DType::kQ4_1));
  // q and k are one; v stays, after them.
  ASSERT_EQ(ops_of(graph), "embed linear slice slice linear");
  EXPECT_EQ(graph.value(graph.nodes[1].inputs[1]).parts[1].info.name, "k");
}

TEST_F(FuseTest, RowsThatAreNoWholeGroupsStayAlone) {
  const auto x = start();
  linear("a", x, 6);
  EXPECT_EQ(ops_of(fused(linear("b", x, 8))), "embed linear linear");
}

TEST_F(FuseTest, OtherInputsStayAlone) {
  const auto x = start();
  const auto a = linear("a", x, 32);
  EXPECT_EQ(ops_of(fused(linear("b", a, 32))), "embed linear linear");
}

TEST_F(FuseTest, BiasesAreStackedWithBiasesOfTheirTypeOnly) {
  const auto x = start();
  linear("a", x, 32, DType::kF32, true, DType::kF32);
  linear("b", x, 32, DType::kF32, false);
  EXPECT_EQ(ops_of(fused(linear("c", x, 32, DType::kF32, true, DType::kF16))),
            "embed linear linear linear");
}

TEST_F(FuseTest, AWeightWithTwoReadersStaysWhereItIs) {
  weights.add("table", {64, 32});
  const auto table = b.weight("table", {64, 32});
  const auto x = b.embed(b.input("ids", DType::kI32, {kTokens}), table);
  b.linear("tied", x, table);
  EXPECT_EQ(ops_of(fused(linear("other", x, 64))), "embed linear linear");
}

TEST_F(FuseTest, ASumIsFoldedOnEitherSide) {
  for (const bool left : {false, true}) {
    FakeWeights own;
    own.add("table", {64, 32}).add("w", {32, 32});
    Builder builder(ops::op_table(), own);
    const auto x = builder.embed(builder.input("ids", DType::kI32, {kTokens}),
                                 builder.weight("table", {64, 32}));
    const auto y = builder.linear("y", x, builder.weight("w", {32, 32}));
    const auto sum = left ? builder.add("sum", y, x) : builder.add("sum", x, y);
    Graph graph = std::move(builder).finish(sum).value();
    fuse(graph);
    ASSERT_EQ(ops_of(graph), "embed linear");
    EXPECT_EQ(graph.nodes[1].inputs[3], x);
    EXPECT_EQ(graph.nodes[1].output, sum);
  }
}

TEST_F(FuseTest, ASumOfAValueWithItselfStays) {
  const auto y = linear("y", start(), 32);
  EXPECT_EQ(ops_of(fused(b.add("twice", y, y))), "embed linear add");
}

TEST_F(FuseTest, ASumWhoseProducerIsReadAgainStays) {
  const auto x = start();
  const auto y = linear("y", x, 32);
  const auto sum = b.add("sum", x, y);
  EXPECT_EQ(ops_of(fused(b.glu("both", sum, y, Activation::kSilu))), "embed linear add glu");
}

TEST_F(FuseTest, ASumThatTheCallerReadsTooStays) {
  const auto x = start();
  const auto y = linear("y", x, 32);
  b.add("sum", x, y);
  EXPECT_EQ(ops_of(fused(y)), "embed linear add");
}

TEST_F(FuseTest, OnlyTheNodeJustBeforeIsFolded) {
  const auto x = start();
  const auto y = linear("y", x, 32);
  const auto z = linear("z", y, 32);  // between y and its sum
  weights.add("w2", {32, 32});
  const auto sum = b.add("sum", y, x);
  // y is read by z too, and z is not what is summed.
  EXPECT_EQ(ops_of(fused(b.glu("both", sum, z, Activation::kSilu))), "embed linear linear add glu");
}

TEST_F(FuseTest, ALinearTakesOneResidual) {
  const auto x = start();
  const auto y = linear("y", x, 32);
  const auto first = b.add("first", x, y);
  EXPECT_EQ(ops_of(fused(b.add("second", first, x))), "embed linear add");
}

TEST_F(FuseTest, TheSumOfTwoLinearsFoldsIntoTheLater) {
  const auto x = start();
  const auto a = linear("a", x, 6);  // not stackable, and as wide as the other
  weights.add("c", {6, 32});
  const auto c = b.linear("c", x, b.weight("c", {6, 32}));
  const Graph graph = fused(b.add("sum", a, c));
  ASSERT_EQ(ops_of(graph), "embed linear linear");
  EXPECT_EQ(graph.nodes[2].inputs[3], a);
}

}  // namespace
}  // namespace hearth::graph
