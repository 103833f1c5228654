// The memory plan: where every value of a fused graph lies. Executors walk `graph.nodes` in order
// and look values up here; the CPU and the GPU use the same plan.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace hearth::graph {

/// The most that one step may be asked for.
struct StepLimits {
  std::int64_t tokens = 1;   ///< tokens processed
  std::int64_t outputs = 1;  ///< rows of logits returned
};

/// Where an activation's bytes lie in the arena.
struct Placement {
  ValueId root = kNone;  ///< the value whose memory this is a view of; itself when it has its own
  std::uint64_t offset = 0;     ///< of the root, bytes from the start of the arena
  std::int64_t column = 0;      ///< first column inside the root's rows
  std::int64_t row_stride = 0;  ///< elements from a row to the next
};

struct Plan {
  Graph graph;
  StepLimits limits;
  std::vector<Placement> placements;  ///< one for each value; meaningful for activations
  std::uint64_t arena_bytes = 0;      ///< of one step's activations, alignment included
  /// What separate memory for every activation would take: what sharing saves is the difference.
  std::uint64_t unshared_bytes = 0;
};

/// Every activation starts at a multiple of this: a cache line, and WebGPU's smallest binding
/// offset that all adapters allow is met by rounding 256 up where that executor needs it.
inline constexpr std::uint64_t kArenaAlignment = 256;

/// Places every activation of the graph. Values share memory when no step needs both: first by
/// writing in place where an op's rules allow it, then by reusing the bytes of values no longer
/// read. An executor that runs a node together with later ones reads its inputs later than the node
/// stands: `until`, when not empty, gives for each node the last one with which it is run.
Plan make_plan(Graph graph, const OpTable& rules, const StepLimits& limits,
               std::span<const std::size_t> until = {});

/// A dimension's value for a step.
inline std::int64_t resolve(std::int64_t dim, std::int64_t tokens, std::int64_t outputs) {
  return dim == kTokens ? tokens : dim == kOutputs ? outputs : dim;
}

}  // namespace hearth::graph
