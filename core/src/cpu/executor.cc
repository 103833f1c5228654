#include "cpu/executor.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/check.h"

namespace hearth::cpu {

using graph::kNone;
using graph::Node;
using graph::Op;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

/// What a node's code needs beside the plan.
struct Executor::Frame {
  const Step& step;
  std::uint8_t* arena;
  std::uint8_t* scratch;
  ThreadPool& pool;
  std::int64_t tokens;
  std::int64_t outputs;

  std::int64_t resolve(std::int64_t dim) const { return graph::resolve(dim, tokens, outputs); }
};

Executor::Executor(const graph::Plan& plan, bool exact)
    : plan_(plan),
      exact_(exact),
      weights_(plan.graph.values.size(), nullptr),
      state_index_(plan.graph.values.size(), -1) {
  for (std::size_t i = 0; i < plan.graph.values.size(); ++i) {
    if (plan.graph.values[i].kind == ValueKind::kState) {
      state_index_[i] = static_cast<std::int32_t>(states_.size());
      states_.push_back(static_cast<ValueId>(i));
    }
  }
  for (const Node& node : plan.graph.nodes) {
    if (node.op() != Op::kLinear) continue;
    const Value& input = plan.graph.value(node.inputs[0]);
    const std::int64_t rows =
        graph::resolve(input.shape[0], plan.limits.tokens, plan.limits.outputs);
    scratch_bytes_ =
        std::max<std::uint64_t>(scratch_bytes_, linear_scratch_bytes(rows, input.shape.back()));
  }
}

void Executor::bind_weight(ValueId value, const std::uint8_t* data) {
  weights_[static_cast<std::size_t>(value)] = data;
}

Layout Executor::matrix_layout(ValueId id) const {
  const Value& value = plan_.graph.value(id);
  return preferred_layout(value.dtype, value.shape[0], value.shape[1], exact_);
}

float* Executor::rows(const Frame& frame, ValueId id) const {
  const Value& value = plan_.graph.value(id);
  HEARTH_CHECK(value.kind == ValueKind::kActivation);
  const graph::Placement& placement = plan_.placements[static_cast<std::size_t>(id)];
  return reinterpret_cast<float*>(frame.arena + placement.offset) + placement.column;
}

float* Executor::dense(const Frame& frame, ValueId id) const {
  HEARTH_CHECK(stride(id) == plan_.graph.value(id).shape.back());
  return rows(frame, id);
}

const float* Executor::vector(ValueId id) const {
  if (id == kNone) return nullptr;
  return reinterpret_cast<const float*>(weights_[static_cast<std::size_t>(id)]);
}

std::int64_t Executor::stride(ValueId id) const {
  return plan_.placements[static_cast<std::size_t>(id)].row_stride;
}

std::span<const float> Executor::run(const Step& step, std::uint8_t* workspace,
                                     ThreadPool& pool) const {
  const Frame frame{.step = step,
                    .arena = workspace,
                    .scratch = workspace + plan_.arena_bytes,
                    .pool = pool,
                    .tokens = static_cast<std::int64_t>(step.ids.size()),
                    .outputs = static_cast<std::int64_t>(step.output_rows.size())};
  HEARTH_CHECK(frame.tokens >= 1 && frame.tokens <= plan_.limits.tokens);
  HEARTH_CHECK(frame.outputs <= plan_.limits.outputs && step.states.size() == states_.size());
  for (const Node& node : plan_.graph.nodes) {
    // A prefill step that nobody asks logits of still fills the states; what reads no rows is
    // skipped.
    if (frame.outputs == 0 && plan_.graph.value(node.output).shape[0] == graph::kOutputs) continue;
    run_node(frame, node);
  }
  const Value& logits = plan_.graph.value(plan_.graph.output);
  return {rows(frame, plan_.graph.output),
          static_cast<std::size_t>(frame.outputs * logits.shape.back())};
}

void Executor::run_node(const Frame& frame, const Node& node) const {
  const Value& output = plan_.graph.value(node.output);
  const std::int64_t count = frame.resolve(output.shape[0]);
  const std::int64_t width = output.shape.back();
  const auto weight = [&](std::size_t i) {
    return weights_[static_cast<std::size_t>(node.inputs[i])];
  };
  switch (node.op()) {
    case Op::kEmbed: {
      const Value& table = plan_.graph.value(node.inputs[1]);
      std::vector<std::uint32_t> positions;
      if (std::get<graph::EmbedParams>(node.params).positions) {
        positions.resize(frame.step.ids.size());
        std::iota(positions.begin(), positions.end(),
                  static_cast<std::uint32_t>(frame.step.position));
      }
      embed({.dtype = table.dtype,
             .layout = matrix_layout(node.inputs[1]),
             .rows = table.shape[0],
             .columns = table.shape[1],
             .data = weight(1)},
            positions.empty() ? frame.step.ids : positions, dense(frame, node.output), frame.pool);
      return;
    }
    case Op::kRmsNorm:
    case Op::kLayerNorm:
      run_norm(frame, node);
      return;
    case Op::kLinear:
      run_linear(frame, node);
      return;
    case Op::kSlice:
      return;  // a view: the plan placed it
    case Op::kRope:
      run_rope(frame, node);
      return;
    case Op::kAttention:
      run_attention(frame, node);
      return;
    case Op::kGlu:
      // Gate and up are both slices of one matrix or both matrices of their own.
      HEARTH_CHECK(stride(node.inputs[0]) == stride(node.inputs[1]));
      glu(std::get<graph::GluParams>(node.params).activation, rows(frame, node.inputs[0]),
          rows(frame, node.inputs[1]), stride(node.inputs[0]), dense(frame, node.output), count,
          width, frame.pool);
      return;
    case Op::kScale:
      scale(dense(frame, node.inputs[0]), std::get<graph::ScaleParams>(node.params).factor,
            dense(frame, node.output), count * width, frame.pool);
      return;
    case Op::kSoftCap:
      soft_cap(dense(frame, node.inputs[0]), std::get<graph::SoftCapParams>(node.params).cap,
               dense(frame, node.output), count * width, frame.pool);
      return;
    case Op::kActivate:
      activate(std::get<graph::ActivateParams>(node.params).activation,
               dense(frame, node.inputs[0]), dense(frame, node.output), count * width, frame.pool);
      return;
    case Op::kGatherColumns:
      gather_columns(rows(frame, node.inputs[0]), stride(node.inputs[0]),
                     reinterpret_cast<const std::uint32_t*>(weight(1)), dense(frame, node.output),
                     count, width, frame.pool);
      return;
    case Op::kAdd:
      add(dense(frame, node.inputs[0]), dense(frame, node.inputs[1]), dense(frame, node.output),
          count * width, frame.pool);
      return;
    case Op::kTakeRows: {
      const float* from = dense(frame, node.inputs[0]);
      float* to = dense(frame, node.output);
      for (std::size_t i = 0; i < frame.step.output_rows.size(); ++i) {
        std::memcpy(to + static_cast<std::int64_t>(i) * width,
                    from + frame.step.output_rows[i] * width,
                    static_cast<std::size_t>(width) * sizeof(float));
      }
      return;
    }
  }
}

void Executor::run_norm(const Frame& frame, const Node& node) const {
  const Value& output = plan_.graph.value(node.output);
  NormArgs args{.input = rows(frame, node.inputs[0]),
                .input_stride = stride(node.inputs[0]),
                .weight = vector(node.inputs[1]),
                .output = rows(frame, node.output),
                .output_stride = stride(node.output),
                .tokens = frame.resolve(output.shape[0]),
                .width = output.shape.back()};
  if (const auto* rms = std::get_if<graph::RmsNormParams>(&node.params)) {
    args.groups = rms->groups;
    args.width /= rms->groups;
    args.epsilon = rms->epsilon;
    args.weight_offset = rms->weight_offset;
    rms_norm(args, frame.pool);
    return;
  }
  args.epsilon = std::get<graph::LayerNormParams>(node.params).epsilon;
  args.bias = vector(node.inputs[2]);
  layer_norm(args, frame.pool);
}

void Executor::run_linear(const Frame& frame, const Node& node) const {
  const Value& weight = plan_.graph.value(node.inputs[1]);
  LinearArgs args{
      .weight = {.dtype = weight.dtype,
                 .layout = matrix_layout(node.inputs[1]),
                 .rows = weight.shape[0],
                 .columns = weight.shape[1],
                 .data = weights_[static_cast<std::size_t>(node.inputs[1])]},
      .input = dense(frame, node.inputs[0]),
      .output = dense(frame, node.output),
      .bias = vector(node.inputs[2]),
      .residual = node.inputs[3] == kNone ? nullptr : dense(frame, node.inputs[3]),
      .tokens = frame.resolve(plan_.graph.value(node.inputs[0]).shape[0]),
      .scratch = frame.scratch,
      .exact = exact_,
  };
  linear(args, frame.pool);
}

void Executor::run_rope(const Frame& frame, const Node& node) const {
  const auto& params = std::get<graph::RopeParams>(node.params);
  const Value& frequencies = plan_.graph.value(node.inputs[1]);
  const float* from = rows(frame, node.inputs[0]);
  float* to = rows(frame, node.output);
  const std::int64_t width = params.heads * params.head_size;
  if (from != to) {
    for (std::int64_t t = 0; t < frame.tokens; ++t) {
      std::memcpy(to + t * stride(node.output), from + t * stride(node.inputs[0]),
                  static_cast<std::size_t>(width) * sizeof(float));
    }
  }
  rope({.data = to,
        .tokens = frame.tokens,
        .stride = stride(node.output),
        .heads = params.heads,
        .head_size = params.head_size,
        .rotary_size = params.rotary_size,
        .frequencies = frequencies.constant.data(),
        .divisors = vector(node.inputs[2]),
        .scale = params.scale,
        .position = frame.step.position,
        .interleaved = params.interleaved},
       frame.pool);
}

void Executor::run_attention(const Frame& frame, const Node& node) const {
  const auto& params = std::get<graph::AttentionParams>(node.params);
  const auto state = [&](std::size_t input) {
    const auto index = state_index_[static_cast<std::size_t>(node.inputs[input])];
    return frame.step.states[static_cast<std::size_t>(index)];
  };
  const std::int64_t capacity = plan_.graph.value(node.inputs[3]).shape[1];
  for (std::size_t i = 0; i < 2; ++i) {
    store_kv(rows(frame, node.inputs[1 + i]), stride(node.inputs[1 + i]), state(3 + i),
             frame.tokens, frame.step.position, params.kv_heads, params.head_size, capacity,
             frame.pool);
  }
  attention({.query = rows(frame, node.inputs[0]),
             .query_stride = stride(node.inputs[0]),
             .keys = state(3),
             .values = state(4),
             .output = dense(frame, node.output),
             .tokens = frame.tokens,
             .position = frame.step.position,
             .heads = params.heads,
             .kv_heads = params.kv_heads,
             .head_size = params.head_size,
             .capacity = capacity,
             .scale = params.scale,
             .window = params.window,
             .soft_cap = params.soft_cap},
            frame.pool);
}

}  // namespace hearth::cpu
