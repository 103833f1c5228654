// Rewrites that leave the result as it is and the work smaller. Every executor profits, so they
// happen once, before the memory plan.
#pragma once

#include "graph/graph.h"

namespace hearth::graph {

/// Rows of a weight that kernels interleave (cpu/packing.h); matrices are stacked only where each
/// has whole groups, so that a part can be packed as soon as it is loaded.
inline constexpr std::int64_t kRowGroup = 4;

/// Applies every rewrite:
/// - linears that read the same value with weights of one type become one, with slices of its
/// output
///   (query, key and value; gate and up): the activations are read and rounded once;
/// - `a + linear(x)` becomes a linear with a residual: the sum is written once.
void fuse(Graph& graph);

}  // namespace hearth::graph
