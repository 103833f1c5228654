#include "graph/fuse.h"

#include <algorithm>

#include "base/cat.h"

namespace hearth::graph {
namespace {

enum LinearInput { kX, kWeight, kBias, kResidual };

bool same_type_and_whole_groups(const Graph& graph, const Node& a, const Node& b) {
  const Value& first = graph.value(a.inputs[kWeight]);
  const Value& second = graph.value(b.inputs[kWeight]);
  return first.dtype == second.dtype && first.shape[0] % kRowGroup == 0 &&
         second.shape[0] % kRowGroup == 0;
}

/// Whether `node` is a linear that can become part of a stack: its weight is read by no one else (a
/// tied matrix stays where it is), and it has no residual yet.
bool stackable(const Graph& graph, const Node& node, const std::vector<int>& uses) {
  return node.op() == Op::kLinear && node.inputs[kResidual] == kNone &&
         graph.value(node.inputs[kWeight]).kind == ValueKind::kWeight &&
         uses[static_cast<std::size_t>(node.inputs[kWeight])] == 1;
}

/// Joins values along the first dimension into the first of them.
ValueId stack_weights(Graph& graph, const std::vector<ValueId>& weights) {
  Value stacked = graph.value(weights[0]);
  for (std::size_t i = 1; i < weights.size(); ++i) {
    const Value& next = graph.value(weights[i]);
    stacked.name += cat("+", next.name);
    stacked.shape[0] += next.shape[0];
    stacked.parts.insert(stacked.parts.end(), next.parts.begin(), next.parts.end());
  }
  graph.values.push_back(std::move(stacked));
  return static_cast<ValueId>(graph.values.size()) - 1;
}

void fuse_parallel_linears(Graph& graph) {
  const std::vector<int> uses = graph.use_counts();
  std::vector<Node> nodes;
  std::vector<bool> taken(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (taken[i]) continue;
    const Node first = graph.nodes[i];
    std::vector<std::size_t> group = {i};
    if (stackable(graph, first, uses)) {
      for (std::size_t j = i + 1; j < graph.nodes.size(); ++j) {
        const Node& other = graph.nodes[j];
        if (taken[j] || !stackable(graph, other, uses) || other.inputs[kX] != first.inputs[kX] ||
            !same_type_and_whole_groups(graph, first, other) ||
            (other.inputs[kBias] == kNone) != (first.inputs[kBias] == kNone)) {
          continue;
        }
        if (first.inputs[kBias] != kNone &&
            graph.value(first.inputs[kBias]).dtype != graph.value(other.inputs[kBias]).dtype) {
          continue;
        }
        group.push_back(j);
      }
    }
    if (group.size() == 1) {
      nodes.push_back(first);
      continue;
    }
    Node joined = first;
    joined.name.clear();
    std::vector<ValueId> weights, biases;
    for (std::size_t member : group) {
      const Node& node = graph.nodes[member];
      taken[member] = true;
      joined.name += cat(joined.name.empty() ? "" : "+", node.name);
      weights.push_back(node.inputs[kWeight]);
      if (node.inputs[kBias] != kNone) biases.push_back(node.inputs[kBias]);
    }
    joined.inputs[kWeight] = stack_weights(graph, weights);
    if (!biases.empty()) joined.inputs[kBias] = stack_weights(graph, biases);
    Value output;
    output.name = joined.name;
    output.shape = {graph.value(first.output).shape[0],
                    graph.value(joined.inputs[kWeight]).shape[0]};
    graph.values.push_back(std::move(output));
    joined.output = static_cast<ValueId>(graph.values.size()) - 1;
    nodes.push_back(joined);
    std::int64_t begin = 0;
    for (std::size_t member : group) {
      const Node& node = graph.nodes[member];
      const std::int64_t count = graph.value(node.output).shape.back();
      nodes.push_back({.name = cat(node.name, ".slice"),
                       .params = SliceParams{.begin = begin, .count = count},
                       .inputs = {joined.output},
                       .output = node.output});
      begin += count;
    }
  }
  graph.nodes = std::move(nodes);
}

void fuse_residuals(Graph& graph) {
  const std::vector<int> uses = graph.use_counts();
  std::vector<Node> nodes;
  for (const Node& node : graph.nodes) {
    if (node.op() == Op::kAdd) {
      bool fused = false;
      for (std::size_t side = 0; side < 2 && !fused; ++side) {
        const ValueId sum_part = node.inputs[side];
        const ValueId residual = node.inputs[1 - side];
        // The producer must be the node just before, so that everything the sum reads exists when
        // it runs in the sum's place.
        if (nodes.empty() || nodes.back().output != sum_part || sum_part == residual ||
            nodes.back().op() != Op::kLinear || nodes.back().inputs[kResidual] != kNone ||
            uses[static_cast<std::size_t>(sum_part)] != 1) {
          continue;
        }
        nodes.back().inputs[kResidual] = residual;
        nodes.back().output = node.output;
        fused = true;
      }
      if (fused) continue;
    }
    nodes.push_back(node);
  }
  graph.nodes = std::move(nodes);
}

}  // namespace

void fuse(Graph& graph) {
  fuse_parallel_linears(graph);
  fuse_residuals(graph);
}

}  // namespace hearth::graph
