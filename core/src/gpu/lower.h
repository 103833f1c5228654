// Lowers a plan to a GPU's programs: walks the nodes as the CPU's executor does, and writes a
// dispatch where that one calls a kernel.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/group.h"
#include "gpu/weights.h"
#include "gpu/writer.h"
#include "graph/plan.h"

namespace hearth::gpu {

/// Programs differ in how many tokens their steps have: mat-vecs serve a few, mat-muls any number.
enum class Kind : std::uint8_t { kDecode, kFew, kPrefill };

/// Most tokens of a step that mat-vecs take: they read a weight once for all of them, up to what
/// an invocation's registers hold.
inline constexpr std::int64_t kFewTokens = 8;

/// Where sessions write a step's input, and what they replay.
struct Handles {
  std::uint32_t step = 0, ids = 0;
  std::uint32_t settings = 0, counts = 0, history = 0;
  std::uint32_t decode = 0, few = 0, prefill = 0, greedy = 0;  ///< programs
  std::array<std::uint32_t, 4> sample{};  ///< programs, by the cuts that they make (sample.h)
};

/// A step with the program for so many tokens and its figures, and nothing to write or to read yet.
Step make_step(const Handles& handles, std::size_t position, std::size_t tokens,
               std::size_t outputs);

struct MemoryUse {
  std::uint64_t weights = 0, work = 0, states = 0;
};

struct Lowered {
  GpuPlan plan;
  Handles handles;
  MemoryUse memory;
};

struct LowerOptions {
  bool exact = false;
  std::string_view forced = {};  ///< a variant that must be used; for checks
  bool sampling = true;          ///< programs that choose the next token
  std::int64_t context = 0;      ///< tokens of a session
};

/// The same plan, for a GPU. `plan` was made with the groups' `until` and outlives the result's
/// constants. Errors: unsupported_device, out_of_memory.
Result<Lowered> lower(const graph::Plan& plan, const Groups& groups, const Adapter& adapter,
                      const LowerOptions& options);

/// An activation as a kernel sees it: a binding and the place of element (row, column) in it.
struct Rows {
  Binding binding;
  graph::ValueId root = graph::kNone;
  std::int64_t stride = 0;
  std::int64_t offset = 0;
  std::int64_t width = 0;
  bool per_output = false;  ///< has a row an output, not a row a token
};

class Lowering {
 public:
  Lowering(const graph::Plan& plan, const Groups& groups, const Weights& weights, Writer& writer)
      : plan_(plan), groups_(groups), weights_(weights), writer_(writer) {}

  /// Makes the buffers that programs share: activations, ids, scratch, states.
  Result<void> make_buffers();
  Result<Program> program(Kind kind);

  // What the ops' files use.
  const graph::Graph& graph() const { return plan_.graph; }
  const Groups& groups() const { return groups_; }
  const Weights& weights() const { return weights_; }
  Writer& writer() { return writer_; }
  Program& out() { return program_; }
  Kind kind() const { return kind_; }
  Rows rows(graph::ValueId id) const;
  /// A binding of a state (keys or values of a layer).
  Binding state(graph::ValueId id) const { return states_[static_cast<std::size_t>(id)]; }
  Binding constant(graph::ValueId id) const { return constants_[static_cast<std::size_t>(id)]; }
  Binding ids() const { return ids_; }
  /// Working memory of a node, for nobody after it.
  Binding scratch(std::uint64_t offset, std::uint64_t bytes) const;
  Binding logits() const;
  /// "f32" or "f16": how states are kept.
  std::string_view state_type() const { return writer_.exact() ? "f32" : "f16"; }
  std::uint64_t state_bytes() const { return state_bytes_; }
  std::uint64_t work_bytes() const { return work_bytes_; }

  /// Workgroups for each row of a value.
  Count per_row(const Rows& rows, std::int64_t times = 1, std::int64_t divisor = 1) const {
    return per(rows.per_output ? "outputs" : "tokens", times, divisor);
  }
  /// An input of a kernel that reads it through the output's binding where both lie in one value:
  /// then a dummy for its own binding, the one of that number.
  Bound input(const Rows& x, const Rows& y, std::size_t at) const {
    if (x.root == y.root) return writer_.nothing(Access::kWrite, at);
    return {.access = Access::kWrite, .binding = x.binding};
  }
  /// The most rows that a step may have.
  std::int64_t most_rows(const Rows& rows) const {
    return rows.per_output ? plan_.limits.outputs : plan_.limits.tokens;
  }

 private:
  Result<void> node(std::size_t index);

  const graph::Plan& plan_;
  const Groups& groups_;
  const Weights& weights_;
  Writer& writer_;
  Program program_;
  Kind kind_ = Kind::kDecode;
  std::uint32_t arena_ = 0, scratch_ = 0;
  Binding ids_;
  std::vector<Binding> states_, constants_;  ///< by value
  std::uint64_t state_bytes_ = 0, work_bytes_ = 0;
};

// One for each op, in the file of its name. `index` is the node's.
Result<void> emit_embed(Lowering& low, const graph::Node& node);
Result<void> emit_rms_norm(Lowering& low, const graph::Node& node);
Result<void> emit_layer_norm(Lowering& low, const graph::Node& node);
Result<void> emit_linear(Lowering& low, std::size_t index);
Result<void> emit_rope(Lowering& low, const graph::Node& node);
Result<void> emit_attention(Lowering& low, std::size_t index);
Result<void> emit_glu(Lowering& low, const graph::Node& node);
Result<void> emit_add(Lowering& low, const graph::Node& node);
Result<void> emit_scale(Lowering& low, const graph::Node& node);
Result<void> emit_soft_cap(Lowering& low, const graph::Node& node);
Result<void> emit_activate(Lowering& low, const graph::Node& node);
Result<void> emit_take_rows(Lowering& low, const graph::Node& node);
Result<void> emit_gather_columns(Lowering& low, const graph::Node& node);

/// Scratch that a node of the kind needs at most.
std::uint64_t linear_scratch_bytes(const graph::Plan& plan, const graph::Node& node);
std::uint64_t attention_scratch_bytes(const graph::Node& node);

/// An override, with less to write.
inline Constant set(std::string_view name, double value) {
  Constant constant;
  constant.name = name;
  constant.value = value;
  return constant;
}
/// The number that activation.wgsl has for it: 0 is none.
inline int activation_kind(graph::Activation activation) {
  return static_cast<int>(activation) + 1;
}
/// Tells kernels of tabled codes which table is meant, and those of scales with minimums that there
/// are zero points; others have no such overrides.
inline void add_table(const Matrix& matrix, std::vector<Constant>& constants) {
  if (matrix.layout == Layout::kQ4T) constants.push_back(set("TABLE_KIND", matrix.table));
  if (matrix.zero_points) constants.push_back(set("ZERO_POINTS", 1));
}
inline Bound read(const Binding& binding) { return {.access = Access::kRead, .binding = binding}; }
inline Bound write(const Binding& binding) {
  return {.access = Access::kWrite, .binding = binding};
}

}  // namespace hearth::gpu
