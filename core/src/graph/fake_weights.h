// A source of weights without a checkpoint, for the graph's own tests.
#pragma once

#include <map>
#include <string>

#include "graph/graph.h"
#include "ops/op_table.h"

namespace hearth::graph::testing {

class FakeWeights : public WeightSource {
 public:
  FakeWeights& add(const std::string& name, Shape shape, DType dtype = DType::kF32) {
    const auto elements = static_cast<std::uint64_t>(shape.elements());
    weights_[name].info = {
        .name = name, .dtype = dtype, .shape = shape, .bytes = dtype_bytes(dtype, elements)};
    return *this;
  }
  std::optional<WeightPart> find(std::string_view name) const override {
    const auto found = weights_.find(std::string(name));
    if (found == weights_.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::map<std::string, WeightPart> weights_;
};

/// "linear linear slice add": the ops of a graph in order.
inline std::string ops_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    text += cat(text.empty() ? "" : " ", ops::op_table()[node.params.index()].name);
  }
  return text;
}

}  // namespace hearth::graph::testing
