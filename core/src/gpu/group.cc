#include "gpu/group.h"

#include <algorithm>

#include "gpu/weights.h"

namespace hearth::gpu {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::Op;
using graph::ValueId;

std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }

/// The nodes that read each value.
std::vector<std::vector<std::size_t>> find_readers(const Graph& graph) {
  std::vector<std::vector<std::size_t>> readers(graph.values.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId input : graph.nodes[i].inputs) {
      if (input != kNone) readers[at(input)].push_back(i);
    }
  }
  return readers;
}

class Finder {
 public:
  Finder(const Graph& graph, const Adapter& adapter)
      : graph_(graph), adapter_(adapter), readers_(find_readers(graph)) {
    const std::size_t count = graph.nodes.size();
    groups_.until.resize(count);
    for (std::size_t i = 0; i < count; ++i) groups_.until[i] = i;
    groups_.folded.assign(count, false);
    groups_.glu.assign(count, kNoNode);
    groups_.absorbed.assign(count, false);
    groups_.rope_kv.resize(count);
    groups_.producer.assign(graph.values.size(), kNoNode);
    for (std::size_t i = 0; i < count; ++i) groups_.producer[at(graph.nodes[i].output)] = i;
  }

  Groups find() && {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].op() == Op::kLinear) find_glu(i);
      if (graph_.nodes[i].op() == Op::kAttention) find_rope_kv(i);
    }
    // After the linears' own groups: a norm that is folded is read as late as they are run.
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].op() == Op::kRmsNorm) fold_norm(i);
    }
    return std::move(groups_);
  }

 private:
  bool read_once(ValueId id) const { return readers_[at(id)].size() == 1 && id != graph_.output; }

  void fold_norm(std::size_t norm) {
    const Node& node = graph_.nodes[norm];
    if (std::get<graph::RmsNormParams>(node.params).groups != 1 || node.output == graph_.output) {
      return;
    }
    const auto& readers = readers_[at(node.output)];
    std::size_t until = norm;
    for (std::size_t reader : readers) {
      const Node& linear = graph_.nodes[reader];
      if (linear.op() != Op::kLinear || linear.inputs[0] != node.output ||
          std::count(linear.inputs.begin(), linear.inputs.end(), node.output) != 1) {
        return;
      }
      until = std::max(until, groups_.until[reader]);
    }
    if (readers.empty()) return;
    groups_.folded[norm] = true;
    groups_.until[norm] = until;
  }

  void find_glu(std::size_t linear) {
    const Node& node = graph_.nodes[linear];
    const auto& readers = readers_[at(node.output)];
    if (node.inputs[3] != kNone || readers.size() != 2 || node.output == graph_.output) return;
    const std::int64_t width = graph_.value(node.output).shape.back() / 2;
    std::size_t glu = kNoNode;
    for (std::size_t half = 0; half < 2; ++half) {
      const Node& slice = graph_.nodes[readers[half]];
      const auto* params = std::get_if<graph::SliceParams>(&slice.params);
      if (params == nullptr || params->begin != static_cast<std::int64_t>(half) * width ||
          params->count != width || !read_once(slice.output)) {
        return;
      }
      const std::size_t reader = readers_[at(slice.output)][0];
      if (graph_.nodes[reader].op() != Op::kGlu || (glu != kNoNode && glu != reader) ||
          graph_.nodes[reader].inputs[half] != slice.output) {
        return;
      }
      glu = reader;
    }
    // Those that matvec_rows.wgsl has.
    const auto activation = std::get<graph::GluParams>(graph_.nodes[glu].params).activation;
    if (activation != graph::Activation::kSilu && activation != graph::Activation::kGeluTanh)
      return;
    const graph::Value& weight = graph_.value(node.inputs[1]);
    // Rows of gate and up lie half a matrix apart, so they must be in one piece.
    if (piece_rows(weight, adapter_) < weight.shape[0]) return;
    groups_.glu[linear] = glu;
    groups_.folded[glu] = true;
    groups_.until[linear] = glu;
  }

  /// Follows a query or key from attention back to its slice.
  ValueId trace(ValueId id, std::int64_t heads, std::size_t& norm, std::size_t& rope) const {
    std::size_t node = groups_.producer[at(id)];
    if (node != kNoNode && graph_.nodes[node].op() == Op::kRope && read_once(id)) {
      rope = node;
      id = graph_.nodes[node].inputs[0];
      node = groups_.producer[at(id)];
    }
    const bool is_norm = node != kNoNode && graph_.nodes[node].op() == Op::kRmsNorm;
    if (is_norm && read_once(id) &&
        std::get<graph::RmsNormParams>(graph_.nodes[node].params).groups == heads) {
      norm = node;
      id = graph_.nodes[node].inputs[0];
      node = groups_.producer[at(id)];
    }
    return node != kNoNode && graph_.nodes[node].op() == Op::kSlice && read_once(id) ? id : kNone;
  }

  ValueId root_of_slice(ValueId id) const {
    return graph_.nodes[groups_.producer[at(id)]].inputs[0];
  }

  void find_rope_kv(std::size_t attention) {
    const Node& node = graph_.nodes[attention];
    const auto& params = std::get<graph::AttentionParams>(node.params);
    RopeKv group;
    group.query = trace(node.inputs[0], params.heads, group.query_norm, group.query_rope);
    group.key = trace(node.inputs[1], params.kv_heads, group.key_norm, group.key_rope);
    group.value = node.inputs[2];
    const std::size_t value = groups_.producer[at(group.value)];
    if (group.query == kNone || group.key == kNone || value == kNoNode ||
        graph_.nodes[value].op() != Op::kSlice || !read_once(group.value)) {
      return;
    }
    const ValueId root = root_of_slice(group.query);
    if (root_of_slice(group.key) != root || root_of_slice(group.value) != root) return;
    // Both or neither: the kernel has one flag for each.
    if ((group.query_norm == kNoNode) != (group.key_norm == kNoNode) ||
        (group.query_rope == kNoNode) != (group.key_rope == kNoNode)) {
      return;
    }
    if (group.query_rope != kNoNode &&
        (graph_.nodes[group.query_rope].inputs[1] != graph_.nodes[group.key_rope].inputs[1] ||
         graph_.nodes[group.query_rope].inputs[2] != graph_.nodes[group.key_rope].inputs[2])) {
      return;
    }
    group.fused = true;
    for (std::size_t member :
         {group.query_norm, group.key_norm, group.query_rope, group.key_rope}) {
      if (member == kNoNode) continue;
      groups_.absorbed[member] = true;
      groups_.until[member] = attention;
    }
    groups_.rope_kv[attention] = group;
  }

  const Graph& graph_;
  const Adapter& adapter_;
  std::vector<std::vector<std::size_t>> readers_;
  Groups groups_;
};

}  // namespace

Groups find_groups(const Graph& graph, const Adapter& adapter) {
  return Finder(graph, adapter).find();
}

}  // namespace hearth::gpu
