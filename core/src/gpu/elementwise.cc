// Ops that look at each element alone: add, scale, soft_cap, activate, take_rows, gather_columns,
// glu. They share their grid: an invocation takes four columns of a row.

#include "gpu/lower.h"

namespace hearth::gpu {
namespace {

using graph::Node;
using graph::ValueId;

/// Columns that a workgroup of 64 invocations covers.
constexpr std::int64_t kColumns = 4 * 64;

Grid grid(const Lowering& low, const Rows& y) {
  return {.x = fixed((y.width + kColumns - 1) / kColumns), .y = low.per_row(y)};
}

std::vector<Constant> row_constants(const Rows& y) {
  return {set("WIDTH", y.width), set("Y_STRIDE", y.stride), set("Y_OFFSET", y.offset),
          set("ROWS_KIND", y.per_output)};
}

/// Stride, offset and binding of an input that may lie in the output's value.
Bound bind(Lowering& low, const Rows& x, const Rows& y, std::size_t at, const std::string& prefix,
           std::string_view flag, std::vector<Constant>& constants) {
  constants.push_back(set(prefix + "_STRIDE", x.stride));
  constants.push_back(set(prefix + "_OFFSET", x.offset));
  constants.push_back(set(flag, x.root == y.root));
  return low.input(x, y, at);
}

Result<void> emit_unary(Lowering& low, const Node& node, std::string_view kernel,
                        std::vector<Constant> constants) {
  const Rows x = low.rows(node.inputs[0]), y = low.rows(node.output);
  for (const Constant& each : row_constants(y)) constants.push_back(each);
  const Bound bound = bind(low, x, y, 1, "X", "X_IN_Y", constants);
  HEARTH_ASSIGN(const Variant variant, low.writer().variant(kernel));
  return low.writer().dispatch(low.out(), node.name, variant, constants, {bound, write(y.binding)},
                               grid(low, y));
}

}  // namespace

Result<void> emit_scale(Lowering& low, const Node& node) {
  return emit_unary(low, node, "scale",
                    {set("FACTOR", std::get<graph::ScaleParams>(node.params).factor)});
}

Result<void> emit_soft_cap(Lowering& low, const Node& node) {
  return emit_unary(low, node, "soft_cap",
                    {set("CAP", std::get<graph::SoftCapParams>(node.params).cap)});
}

Result<void> emit_activate(Lowering& low, const Node& node) {
  const auto activation = std::get<graph::ActivateParams>(node.params).activation;
  return emit_unary(low, node, "activate", {set("KIND", activation_kind(activation))});
}

Result<void> emit_add(Lowering& low, const Node& node) {
  Rows a = low.rows(node.inputs[0]), b = low.rows(node.inputs[1]);
  const Rows y = low.rows(node.output);
  // The kernel can read only its first term from the output's value.
  if (b.root == y.root) std::swap(a, b);
  if (b.root == a.root) {
    return fail(ErrorCode::kUnsupportedDevice, "The GPU does not add two parts of one value.",
                node.name);
  }
  std::vector<Constant> constants = row_constants(y);
  const Bound first = bind(low, a, y, 1, "A", "A_IN_Y", constants);
  constants.push_back(set("B_STRIDE", b.stride));
  constants.push_back(set("B_OFFSET", b.offset));
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("add"));
  return low.writer().dispatch(low.out(), node.name, variant, constants,
                               {first, write(b.binding), write(y.binding)}, grid(low, y));
}

Result<void> emit_take_rows(Lowering& low, const Node& node) {
  const Rows x = low.rows(node.inputs[0]), y = low.rows(node.output);
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("take_rows"));
  return low.writer().dispatch(
      low.out(), node.name, variant,
      {set("WIDTH", y.width), set("X_STRIDE", x.stride), set("X_OFFSET", x.offset),
       set("Y_STRIDE", y.stride), set("Y_OFFSET", y.offset)},
      {write(x.binding), write(y.binding)}, grid(low, y));
}

Result<void> emit_gather_columns(Lowering& low, const Node& node) {
  const Rows x = low.rows(node.inputs[0]), y = low.rows(node.output);
  std::vector<Constant> constants = row_constants(y);
  constants.push_back(set("X_STRIDE", x.stride));
  constants.push_back(set("X_OFFSET", x.offset));
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("gather_columns"));
  const Bound order = read(low.weights().vector(node.inputs[1]));
  return low.writer().dispatch(low.out(), node.name, variant, constants,
                               {order, write(x.binding), write(y.binding)}, grid(low, y));
}

Result<void> emit_glu(Lowering& low, const Node& node) {
  const Rows gate = low.rows(node.inputs[0]), up = low.rows(node.inputs[1]);
  const Rows y = low.rows(node.output);
  const auto activation = std::get<graph::GluParams>(node.params).activation;
  std::vector<Constant> constants = row_constants(y);
  constants.push_back(set("KIND", activation_kind(activation)));
  const Bound first = bind(low, gate, y, 1, "GATE", "GATE_IN_Y", constants);
  const Bound second = bind(low, up, gate, 2, "UP", "UP_IN_GATE", constants);
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("glu"));
  return low.writer().dispatch(low.out(), node.name, variant, constants,
                               {first, second, write(y.binding)}, grid(low, y));
}

}  // namespace hearth::gpu
