// Every op's rules: the shape that comes out of right operands, and a refusal of each wrong one
// that names it and the op.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/cat.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

using graph::AttentionParams;
using graph::kOutputs;
using graph::kTokens;
using graph::Operand;
using graph::OpParams;
using graph::OpRules;
using graph::RopeParams;
using graph::SliceParams;

struct Case {
  OpParams params;
  std::vector<Operand> inputs;
  std::size_t required;  ///< the first of the inputs that may not be absent
  Shape output;
};

Operand operand(std::string_view name, Shape shape, DType dtype = DType::kF32) {
  return {.name = name, .dtype = dtype, .shape = shape, .present = true};
}

// One right call of each op, in the order of graph::Op.
std::vector<Case> right_calls() {
  return {
      {graph::EmbedParams{},
       {operand("ids", {kTokens}, DType::kI32), operand("table", {10, 32}, DType::kQ4_0)},
       2,
       {kTokens, 32}},
      {graph::RmsNormParams{},
       {operand("x", {kTokens, 8}), operand("weight", {8}, DType::kF16)},
       2,
       {kTokens, 8}},
      {graph::LinearParams{},
       {operand("x", {kTokens, 32}), operand("weight", {6, 32}, DType::kQ8_0),
        operand("bias", {6}, DType::kBF16), operand("residual", {kTokens, 6})},
       2,
       {kTokens, 6}},
      {SliceParams{.begin = 2, .count = 3}, {operand("x", {kTokens, 5})}, 1, {kTokens, 3}},
      {RopeParams{.heads = 2, .head_size = 8, .rotary_size = 4},
       {operand("x", {kTokens, 16}), operand("frequencies", {2}), operand("divisors", {2})},
       2,
       {kTokens, 16}},
      {AttentionParams{.heads = 4, .kv_heads = 2, .head_size = 8},
       {operand("query", {kTokens, 32}), operand("key", {kTokens, 16}),
        operand("value", {kTokens, 16}), operand("keys", {2, 64, 8}),
        operand("values", {2, 64, 8})},
       5,
       {kTokens, 32}},
      {graph::GluParams{},
       {operand("gate", {kTokens, 8}), operand("up", {kTokens, 8})},
       2,
       {kTokens, 8}},
      {graph::AddParams{},
       {operand("a", {kTokens, 8}), operand("b", {kTokens, 8})},
       2,
       {kTokens, 8}},
      {graph::TakeRowsParams{}, {operand("x", {kTokens, 8})}, 1, {kOutputs, 8}},
      {graph::LayerNormParams{},
       {operand("x", {kTokens, 8}), operand("weight", {8}), operand("bias", {8}, DType::kBF16)},
       2,
       {kTokens, 8}},
      {graph::ScaleParams{.factor = 2}, {operand("x", {kTokens, 8})}, 1, {kTokens, 8}},
      {graph::SoftCapParams{.cap = 30}, {operand("x", {kOutputs, 8})}, 1, {kOutputs, 8}},
      {graph::ActivateParams{}, {operand("x", {kTokens, 8})}, 1, {kTokens, 8}},
      {graph::GatherColumnsParams{},
       {operand("x", {kTokens, 8}), operand("order", {8}, DType::kI32)},
       2,
       {kTokens, 8}},
  };
}

void expect_refused(const OpParams& params, const std::vector<Operand>& inputs,
                    std::string_view culprit) {
  const OpRules& rules = op_table()[params.index()];
  const auto checked = rules.check(params, inputs, "layers.3.it");
  ASSERT_FALSE(checked) << rules.name << " took a wrong " << culprit;
  EXPECT_EQ(checked.error().code, ErrorCode::kShapeMismatch) << checked.error().message;
  EXPECT_EQ(checked.error().name, culprit) << checked.error().message;
  for (const std::string_view part : {rules.name, std::string_view("layers.3.it"), culprit}) {
    EXPECT_NE(checked.error().message.find(part), std::string::npos) << checked.error().message;
  }
}

TEST(Ops, TakeRightOperandsAndInferTheOutput) {
  const std::vector<Case> calls = right_calls();
  ASSERT_EQ(calls.size(), graph::kOpCount);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Case& call = calls[i];
    ASSERT_EQ(call.params.index(), i);
    const OpRules& rules = op_table()[i];
    const auto checked = rules.check(call.params, call.inputs, "here");
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_EQ(rules.infer(call.params, call.inputs), call.output) << rules.name;
  }
}

TEST(Ops, AbsentOperandsAreOurBug) {
  for (const Case& call : right_calls()) {
    const OpRules& rules = op_table()[call.params.index()];
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      std::vector<Operand> inputs = call.inputs;
      inputs[i] = {};
      const auto checked = rules.check(call.params, inputs, "here");
      ASSERT_EQ(checked.has_value(), i >= call.required) << rules.name << i;
      if (!checked) EXPECT_EQ(checked.error().code, ErrorCode::kInternal);
    }
    std::vector<Operand> fewer = call.inputs;
    fewer.pop_back();
    EXPECT_FALSE(rules.check(call.params, fewer, "here")) << rules.name;
  }
}

// A rank too many, a dimension too wide and a type that is no number of ours: every operand of
// every op has a reason to refuse each, but for the few that say otherwise.
TEST(Ops, NameEveryOperandOfTheWrongShapeOrType) {
  for (const Case& call : right_calls()) {
    const std::string_view op = op_table()[call.params.index()].name;
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      const std::string_view name = call.inputs[i].name;
      std::vector<Operand> inputs = call.inputs;
      inputs[i].shape.push_back(1);
      expect_refused(call.params, inputs, name);

      inputs = call.inputs;
      inputs[i].dtype = DType::kBool;
      expect_refused(call.params, inputs, name);

      // The first operand of these sets the width that the second is held to; ids and rows to take
      // or slice have any.
      if (i == 0 && op != "rope" && op != "attention") continue;
      if (op == "embed") continue;
      inputs = call.inputs;
      inputs[i].shape[inputs[i].shape.rank() - 1] += 32;
      expect_refused(call.params, inputs, name);
    }
  }
}

TEST(Ops, NormsAndBiasesAreFloatsThatWidenInPlace) {
  const std::vector<Case> calls = right_calls();
  for (const DType dtype : {DType::kF64, DType::kI32, DType::kQ8_0}) {
    std::vector<Operand> norm = calls[1].inputs;
    norm[1].dtype = dtype;
    expect_refused(calls[1].params, norm, "weight");
    std::vector<Operand> linear = calls[2].inputs;
    linear[2].dtype = dtype;
    expect_refused(calls[2].params, linear, "bias");
  }
}

TEST(Ops, RefuseParametersThatDoNotFitTheOperands) {
  const std::vector<Case> calls = right_calls();
  for (const SliceParams& slice : {SliceParams{.begin = -1, .count = 3}, SliceParams{0, 0},
                                   SliceParams{3, 3}, SliceParams{INT64_MAX, 1}}) {
    expect_refused(slice, calls[3].inputs, "x");
  }
  for (const std::int64_t groups : {0, -1, 3}) {
    expect_refused(graph::RmsNormParams{.groups = groups}, calls[1].inputs, "x");
  }
  expect_refused(graph::RmsNormParams{.groups = 2}, calls[1].inputs, "weight");
  expect_refused(graph::ScaleParams{.factor = INFINITY}, calls[10].inputs, "x");
  for (const float cap : {0.0F, -1.0F, NAN, INFINITY}) {
    expect_refused(graph::SoftCapParams{.cap = cap}, calls[11].inputs, "x");
  }
  const RopeParams rope = std::get<RopeParams>(calls[4].params);
  for (const std::int64_t rotary : {0, 3, 10, -2}) {
    RopeParams wrong = rope;
    wrong.rotary_size = rotary;
    expect_refused(wrong, calls[4].inputs, "x");
  }
  RopeParams no_heads = rope;
  no_heads.heads = 0;
  expect_refused(no_heads, calls[4].inputs, "x");
  RopeParams other_table = rope;
  other_table.rotary_size = 8;
  expect_refused(other_table, calls[4].inputs, "frequencies");

  const AttentionParams attention = std::get<AttentionParams>(calls[5].params);
  AttentionParams wrong = attention;
  wrong.heads = 2;
  expect_refused(wrong, calls[5].inputs, "query");
  wrong = attention;
  wrong.kv_heads = 4;
  expect_refused(wrong, calls[5].inputs, "key");
  wrong = attention;
  wrong.window = -1;
  expect_refused(wrong, calls[5].inputs, "query");
  wrong = attention;
  wrong.soft_cap = NAN;
  expect_refused(wrong, calls[5].inputs, "query");
  wrong = attention;
  // Three key heads of 8 for four query heads: the sizes fit, the groups do not.
  std::vector<Operand> thirds = calls[5].inputs;
  thirds[1].shape = thirds[2].shape = {kTokens, 24};
  thirds[3].shape = thirds[4].shape = {3, 64, 8};
  wrong.kv_heads = 3;
  expect_refused(wrong, thirds, "query");
  std::vector<Operand> outputs = calls[8].inputs;
  outputs[0].shape[0] = kOutputs;
  expect_refused(calls[8].params, outputs, "x");
}

}  // namespace
}  // namespace hearth::ops
