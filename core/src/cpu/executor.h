// The CPU's executor of a plan: walks the nodes in order and runs each op's kernel on the memory
// that the plan gave its values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cpu/kernels.h"
#include "cpu/thread_pool.h"
#include "graph/plan.h"

namespace hearth::cpu {

/// One step's inputs.
struct Step {
  std::span<const std::uint32_t> ids;         ///< tokens to process, at most the plan's limit
  std::int64_t position = 0;                  ///< of the first of them
  std::span<const std::int32_t> output_rows;  ///< which of them to return logits for, ascending
  std::span<float* const> states;  ///< memory of each state, in the order of state_values()
};

class Executor {
 public:
  /// The plan outlives the executor. `exact` selects float kernels throughout.
  Executor(const graph::Plan& plan, bool exact);

  /// Binds a weight's bytes: a matrix in the layout of matrix_layout(), or floats for rank 1.
  void bind_weight(graph::ValueId value, const std::uint8_t* data);
  /// What was bound.
  const std::uint8_t* weight(graph::ValueId value) const {
    return weights_[static_cast<std::size_t>(value)];
  }
  /// The layout that matrices of the value are to be kept in.
  Layout matrix_layout(graph::ValueId value) const;

  /// States in the order in which Step::states lists them.
  const std::vector<graph::ValueId>& state_values() const { return states_; }

  /// Bytes of working memory that run() needs: the plan's arena and the kernels' scratch.
  std::uint64_t workspace_bytes() const { return plan_.arena_bytes + scratch_bytes_; }

  /// Runs a step; `workspace` is 64-byte aligned. Returns the logits (output_rows, vocabulary),
  /// valid until the next run. Every id is below the vocabulary's size and position + ids fit the
  /// states.
  std::span<const float> run(const Step& step, std::uint8_t* workspace, ThreadPool& pool) const;

 private:
  struct Frame;
  float* rows(const Frame& frame, graph::ValueId value) const;
  /// The same, for kernels that take rows without gaps between them.
  float* dense(const Frame& frame, graph::ValueId value) const;
  std::int64_t stride(graph::ValueId value) const;
  /// Floats of a weight; nullptr for kNone.
  const float* vector(graph::ValueId value) const;
  void run_node(const Frame& frame, const graph::Node& node) const;
  void run_norm(const Frame& frame, const graph::Node& node) const;
  void run_linear(const Frame& frame, const graph::Node& node) const;
  void run_rope(const Frame& frame, const graph::Node& node) const;
  void run_attention(const Frame& frame, const graph::Node& node) const;

  const graph::Plan& plan_;
  bool exact_;
  std::vector<const std::uint8_t*> weights_;  ///< by value; null for other kinds
  std::vector<std::int32_t> state_index_;     ///< by value; -1 for other kinds
  std::vector<graph::ValueId> states_;
  std::uint64_t scratch_bytes_ = 0;
};

}  // namespace hearth::cpu
