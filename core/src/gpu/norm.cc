// Norms on their own: where no mat-vec folds them into its read.

#include "gpu/lower.h"

namespace hearth::gpu {
namespace {

std::vector<Constant> row_constants(const Rows& x, const Rows& y) {
  return {set("X_STRIDE", x.stride),       set("X_OFFSET", x.offset),
          set("Y_STRIDE", y.stride),       set("Y_OFFSET", y.offset),
          set("X_IN_Y", x.root == y.root), set("ROWS_KIND", y.per_output)};
}

}  // namespace

Result<void> emit_rms_norm(Lowering& low, const graph::Node& node) {
  const auto& params = std::get<graph::RmsNormParams>(node.params);
  const Rows x = low.rows(node.inputs[0]), y = low.rows(node.output);
  std::vector<Constant> constants = row_constants(x, y);
  constants.push_back(set("WIDTH", static_cast<double>(y.width / params.groups)));
  constants.push_back(set("GROUPS", params.groups));
  constants.push_back(set("EPSILON", params.epsilon));
  constants.push_back(set("WEIGHT_OFFSET", params.weight_offset));
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("rms_norm"));
  return low.writer().dispatch(
      low.out(), node.name, variant, constants,
      {read(low.weights().vector(node.inputs[1])), low.input(x, y, 2), write(y.binding)},
      {.x = low.per_row(y, params.groups)});
}

Result<void> emit_layer_norm(Lowering& low, const graph::Node& node) {
  const Rows x = low.rows(node.inputs[0]), y = low.rows(node.output);
  const bool bias = node.inputs[2] != graph::kNone;
  std::vector<Constant> constants = row_constants(x, y);
  constants.push_back(set("WIDTH", y.width));
  constants.push_back(set("EPSILON", std::get<graph::LayerNormParams>(node.params).epsilon));
  constants.push_back(set("BIAS", bias));
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("layer_norm"));
  return low.writer().dispatch(
      low.out(), node.name, variant, constants,
      {read(low.weights().vector(node.inputs[1])),
       bias ? read(low.weights().vector(node.inputs[2])) : low.writer().nothing(Access::kRead, 2),
       low.input(x, y, 3), write(y.binding)},
      {.x = low.per_row(y)});
}

}  // namespace hearth::gpu
