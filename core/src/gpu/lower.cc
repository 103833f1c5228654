#include "gpu/lower.h"

#include <algorithm>

#include "base/check.h"
#include "gpu/sample.h"

namespace hearth::gpu {

using graph::Graph;
using graph::Node;
using graph::Op;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

namespace {

std::uint64_t scratch_bytes(const graph::Plan& plan) {
  std::uint64_t most = 0;
  for (const Node& node : plan.graph.nodes) {
    if (node.op() == Op::kLinear) most = std::max(most, linear_scratch_bytes(plan, node));
    if (node.op() == Op::kAttention) most = std::max(most, attention_scratch_bytes(node));
  }
  return most;
}

}  // namespace

Step make_step(const Handles& handles, std::size_t position, std::size_t tokens,
               std::size_t outputs) {
  Step step;
  step.programs = {tokens == 1            ? handles.decode
                   : tokens <= kFewTokens ? handles.few
                                          : handles.prefill};
  step.tokens = static_cast<std::uint32_t>(tokens);
  step.outputs = static_cast<std::uint32_t>(outputs);
  step.length = static_cast<std::uint32_t>(position + tokens);
  return step;
}

Rows Lowering::rows(ValueId id) const {
  const Value& value = plan_.graph.value(id);
  HEARTH_CHECK(value.kind == ValueKind::kActivation);
  const graph::Placement& placement = plan_.placements[static_cast<std::size_t>(id)];
  const Value& root = plan_.graph.value(placement.root);
  Rows rows;
  rows.root = placement.root;
  rows.stride = placement.row_stride;
  rows.offset = placement.column;
  rows.width = value.shape.back();
  rows.per_output = value.shape[0] == graph::kOutputs;
  rows.binding.buffer = arena_;
  rows.binding.offset = placement.offset;
  rows.binding.bytes = static_cast<std::uint64_t>(most_rows(rows) * root.shape.back()) * 4;
  return rows;
}

Binding Lowering::scratch(std::uint64_t offset, std::uint64_t bytes) const {
  Binding binding;
  binding.buffer = scratch_;
  binding.offset = offset;
  binding.bytes = align(bytes);
  return binding;
}

Binding Lowering::logits() const { return rows(plan_.graph.output).binding; }

Result<void> Lowering::make_buffers() {
  const Graph& graph = plan_.graph;
  HEARTH_ASSIGN(arena_, writer_.buffer("activations", "work", plan_.arena_bytes));
  const std::uint64_t scratch = scratch_bytes(plan_);
  HEARTH_ASSIGN(scratch_, writer_.buffer("scratch", "work", scratch));
  ids_.bytes = align(static_cast<std::uint64_t>(plan_.limits.tokens) * 4);
  HEARTH_ASSIGN(ids_.buffer, writer_.buffer("ids", "work", ids_.bytes));
  work_bytes_ = plan_.arena_bytes + align(scratch) + ids_.bytes;

  states_.resize(graph.values.size());
  constants_.resize(graph.values.size());
  const std::uint64_t state_size = state_type() == "f16" ? 2 : 4;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.kind == ValueKind::kState) {
      Binding& state = states_[i];
      state.bytes = align(static_cast<std::uint64_t>(value.shape.elements()) * state_size);
      HEARTH_ASSIGN(state.buffer, writer_.buffer(value.name, "state", state.bytes));
      state_bytes_ += state.bytes;
    } else if (value.kind == ValueKind::kConstant) {
      Binding& constant = constants_[i];
      constant.bytes = align(value.constant.size() * sizeof(float));
      HEARTH_ASSIGN(constant.buffer, writer_.buffer(value.name, "constants", constant.bytes));
      Write write;
      write.buffer = constant.buffer;
      write.data = {reinterpret_cast<const std::uint8_t*>(value.constant.data()),
                    value.constant.size() * sizeof(float)};
      writer_.plan.writes.push_back(write);
    }
  }
  return {};
}

Result<Program> Lowering::program(Kind kind) {
  kind_ = kind;
  program_ = {};
  program_.name = kind == Kind::kDecode ? "decode" : kind == Kind::kFew ? "few" : "prefill";
  for (std::size_t i = 0; i < plan_.graph.nodes.size(); ++i) HEARTH_TRY(node(i));
  return std::move(program_);
}

Result<void> Lowering::node(std::size_t index) {
  const Node& node = plan_.graph.nodes[index];
  if (groups_.absorbed[index]) return {};
  if (groups_.folded[index] && kind_ != Kind::kPrefill) return {};
  switch (node.op()) {
    case Op::kEmbed:
      return emit_embed(*this, node);
    case Op::kRmsNorm:
      return emit_rms_norm(*this, node);
    case Op::kLayerNorm:
      return emit_layer_norm(*this, node);
    case Op::kLinear:
      return emit_linear(*this, index);
    case Op::kSlice:
      return {};  // a view: the plan placed it
    case Op::kRope:
      return emit_rope(*this, node);
    case Op::kAttention:
      return emit_attention(*this, index);
    case Op::kGlu:
      return emit_glu(*this, node);
    case Op::kAdd:
      return emit_add(*this, node);
    case Op::kScale:
      return emit_scale(*this, node);
    case Op::kSoftCap:
      return emit_soft_cap(*this, node);
    case Op::kActivate:
      return emit_activate(*this, node);
    case Op::kTakeRows:
      return emit_take_rows(*this, node);
    case Op::kGatherColumns:
      return emit_gather_columns(*this, node);
  }
  return {};
}

Result<Lowered> lower(const graph::Plan& plan, const Groups& groups, const Adapter& adapter,
                      const LowerOptions& options) {
  Writer writer(adapter, {.exact = options.exact, .forced = options.forced});
  HEARTH_TRY(writer.make_common_buffers());
  HEARTH_ASSIGN(const Weights weights, Weights::place(plan.graph, writer));
  Lowering lowering(plan, groups, weights, writer);
  HEARTH_TRY(lowering.make_buffers());
  Lowered result;
  Handles& handles = result.handles;
  handles.step = writer.step_buffer();
  handles.ids = lowering.ids().buffer;
  std::vector<Program> programs;
  for (const auto& [kind, index] : {std::pair{Kind::kDecode, &handles.decode},
                                    {Kind::kFew, &handles.few},
                                    {Kind::kPrefill, &handles.prefill}}) {
    HEARTH_ASSIGN(Program program, lowering.program(kind));
    *index = static_cast<std::uint32_t>(programs.size());
    programs.push_back(std::move(program));
  }
  if (options.sampling) {
    HEARTH_TRY(emit_sampling(lowering, options.context, handles, programs));
  }
  result.plan = std::move(writer.plan);
  // A check runs its kernel among others. Those that have substitutes are checked first, so that
  // what relies on them is checked with the one that is right.
  std::stable_partition(result.plan.checks.begin(), result.plan.checks.end(),
                        [](const std::string& name) { return has_substitute(name); });
  result.plan.programs = std::move(programs);
  result.plan.logits = lowering.logits();
  result.plan.sampled = lowering.ids();
  result.memory = {
      .weights = weights.bytes(), .work = lowering.work_bytes(), .states = lowering.state_bytes()};
  return result;
}

}  // namespace hearth::gpu
