// Which nodes of a graph a GPU runs as one dispatch. Fusion (graph/fuse.h) has joined what every
// executor joins; here is what only kernels for GPUs do, where a dispatch costs as much as a small
// kernel's work: norms folded into the mat-vecs that read them, gate and up with their activation,
// and turning query and key with storing key and value.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/adapter.h"
#include "graph/graph.h"

namespace hearth::gpu {

inline constexpr std::size_t kNoNode = static_cast<std::size_t>(-1);

/// The nodes that rope_kv.wgsl does in one, for an attention node.
struct RopeKv {
  bool fused = false;
  graph::ValueId query = graph::kNone, key = graph::kNone, value = graph::kNone;  ///< slices
  std::size_t query_norm = kNoNode, key_norm = kNoNode;
  std::size_t query_rope = kNoNode, key_rope = kNoNode;
};

struct Groups {
  /// By node: the last node with which it may be run (graph::make_plan takes it).
  std::vector<std::size_t> until;
  /// By node: a norm or a glu that mat-vecs do themselves; programs of few tokens leave it out.
  std::vector<bool> folded;
  /// By node, a linear of gate and up: the glu that its mat-vec does; kNoNode for none.
  std::vector<std::size_t> glu;
  /// By node: done by rope_kv in every program.
  std::vector<bool> absorbed;
  /// By node, an attention: what rope_kv does before it.
  std::vector<RopeKv> rope_kv;
  /// By value: the node that computes it; kNoNode for none.
  std::vector<std::size_t> producer;
};

Groups find_groups(const graph::Graph& graph, const Adapter& adapter);

}  // namespace hearth::gpu
