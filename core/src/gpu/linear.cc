// Linear layers: a mat-vec for steps of a few tokens, which reads each weight once and is as fast
// as memory; a mat-mul for more.

#include <algorithm>

#include "gpu/lower.h"

namespace hearth::gpu {
namespace {

using graph::kNone;
using graph::Node;

/// Rows of the weight that a workgroup takes together, and its invocations.
struct Shape {
  std::int64_t rows = 0;
  std::int64_t invocations = 0;
};

/// Invocations go along a row 16 elements at a time: as many as the row keeps busy, up to 128.
/// Eight lines of the matrix at a time keep enough loads under way where processors are wide;
/// elsewhere, and with several tokens, whose sums take the registers, fewer. As measured
/// (docs/performance.md).
Shape matvec_shape(std::int64_t columns, Kind kind, bool glu, const Adapter& adapter) {
  const bool wide = adapter.subgroup_max >= 32;
  const std::int64_t lines = kind == Kind::kDecode && wide ? 8 : 4;
  Shape shape;
  shape.invocations = columns >= 2048 ? 128 : columns >= 1024 ? 64 : 32;
  shape.rows = glu ? lines / 2 : lines;
  return shape;
}

/// Sides of the output's tile that a workgroup of a mat-mul computes.
struct Tile {
  std::int64_t rows = 0;  ///< of the weight
  std::int64_t tokens = 0;
};

/// The kernel says what it takes, and has its reasons there.
Tile matmul_tile(const Variant& variant, const Adapter& adapter, std::vector<Constant>& constants) {
  if (variant.file == "matmul_subgroup_matrix") return {.rows = 64, .tokens = 128};
  // Floats gain from tiles twice as large, which use a weight twice as often, where processors are
  // wide: their subgroups say so. With packed bytes the products are so cheap that more workgroups
  // are worth more. As measured (docs/performance.md).
  const bool wide = variant.file == "matmul" && adapter.subgroup_max >= 32;
  const Tile tile = {.rows = 64, .tokens = wide ? 128 : 64};
  constants.push_back(set("TILE_N", static_cast<double>(tile.rows)));
  constants.push_back(set("TILE_T", static_cast<double>(tile.tokens)));
  return tile;
}

/// What both kernels are told.
struct Linear {
  const Matrix& weight;
  Rows x, y;
  std::vector<Constant> constants;
  Bound gain, bias, residual;
};

Result<void> emit_matvec(Lowering& low, const Node& node, Linear& linear, bool glu) {
  const Shape shape = matvec_shape(linear.weight.columns, low.kind(), glu, low.writer().adapter());
  std::vector<Constant>& constants = linear.constants;
  constants.push_back(set("WG", shape.invocations));
  constants.push_back(set("ROWS", shape.rows));
  constants.push_back(set("BATCH", low.kind() == Kind::kDecode ? 1 : kFewTokens));
  HEARTH_ASSIGN(const Variant variant,
                low.writer().variant("matvec", layout_info(linear.weight.layout).name));
  for (const Piece& piece : linear.weight.pieces) {
    const std::int64_t rows = glu ? piece.rows / 2 : piece.rows;
    std::vector<Constant> own = constants;
    own.push_back(set("N", rows));
    own.push_back(set("ROW0", piece.first_row));
    HEARTH_TRY(low.writer().dispatch(
        low.out(), node.name, variant, own,
        {read(piece.codes), read(piece.scales), write(linear.x.binding), linear.gain, linear.bias,
         linear.residual, write(linear.y.binding)},
        spread((rows + shape.rows - 1) / shape.rows), piece.codes.bytes + piece.scales.bytes));
  }
  return {};
}

/// Bytes of x as quantize_x.wgsl writes it: codes, then a vec4f for each 32 of them.
struct QuantizedBytes {
  std::uint64_t codes = 0, scales = 0;
};

QuantizedBytes quantized_bytes(std::int64_t rows, std::int64_t columns, std::int64_t code_bytes) {
  return {.codes = align(static_cast<std::uint64_t>(rows * columns * code_bytes)),
          .scales = align(static_cast<std::uint64_t>(rows * columns / 32 * 16))};
}

/// Writes x as whole numbers into scratch and puts them in x's place.
Result<void> emit_quantize(Lowering& low, const Node& node, Linear& linear, Bound& scales) {
  const Rows& x = linear.x;
  const std::int64_t columns = linear.weight.columns;
  const QuantizedBytes bytes = quantized_bytes(low.most_rows(x), columns, 1);
  const Binding codes = low.scratch(0, bytes.codes);
  scales = write(low.scratch(bytes.codes, bytes.scales));
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("quantize_x"));
  HEARTH_TRY(low.writer().dispatch(
      low.out(), node.name + ".quantize", variant,
      {set("K", static_cast<double>(columns)), set("X_STRIDE", static_cast<double>(x.stride)),
       set("X_OFFSET", static_cast<double>(x.offset)), set("BYTES", 1),
       set("ROWS_KIND", x.per_output)},
      {write(x.binding), write(codes), scales, low.writer().nothing(Access::kRead, 4)},
      {.x = low.per_row(x)}));
  linear.x.binding = codes;
  return {};
}

Result<void> emit_matmul(Lowering& low, const Node& node, Linear& linear) {
  HEARTH_ASSIGN(const Variant variant,
                low.writer().variant("matmul", layout_info(linear.weight.layout).name));
  const Tile tile = matmul_tile(variant, low.writer().adapter(), linear.constants);
  Bound fourth = linear.gain;
  if (variant.file == "matmul_dot8") HEARTH_TRY(emit_quantize(low, node, linear, fourth));
  for (const Piece& piece : linear.weight.pieces) {
    std::vector<Constant> own = linear.constants;
    own.push_back(set("N", static_cast<double>(piece.rows)));
    own.push_back(set("ROW0", static_cast<double>(piece.first_row)));
    HEARTH_TRY(
        low.writer().dispatch(low.out(), node.name, variant, own,
                              {read(piece.codes), read(piece.scales), write(linear.x.binding),
                               fourth, linear.bias, linear.residual, write(linear.y.binding)},
                              {.x = low.per_row(linear.y, 1, tile.tokens),
                               .y = fixed((piece.rows + tile.rows - 1) / tile.rows)},
                              piece.codes.bytes + piece.scales.bytes));
  }
  return {};
}

}  // namespace

std::uint64_t linear_scratch_bytes(const graph::Plan& plan, const Node& node) {
  const graph::Value& x = plan.graph.value(node.inputs[0]);
  const std::int64_t rows = graph::resolve(x.shape[0], plan.limits.tokens, plan.limits.outputs);
  const QuantizedBytes bytes = quantized_bytes(rows, x.shape.back(), 1);
  return bytes.codes + bytes.scales;
}

Result<void> emit_linear(Lowering& low, std::size_t index) {
  const Node& node = low.graph().nodes[index];
  // One row of logits at a time is a mat-vec, however many tokens there were; more are a mat-mul.
  const bool matvec = low.kind() != Kind::kPrefill;
  const std::size_t glu = matvec ? low.groups().glu[index] : kNoNode;
  Writer& writer = low.writer();
  Linear linear{.weight = low.weights().matrix(node.inputs[1]),
                .x = low.rows(node.inputs[0]),
                .y = low.rows(glu == kNoNode ? node.output : low.graph().nodes[glu].output),
                .constants = {},
                .gain = writer.nothing(Access::kRead, 4),
                .bias = writer.nothing(Access::kRead, 5),
                .residual = writer.nothing(Access::kWrite, 6)};
  const std::size_t producer = low.groups().producer[static_cast<std::size_t>(node.inputs[0])];
  const bool norm = matvec && producer != kNoNode && low.groups().folded[producer] &&
                    low.graph().nodes[producer].op() == graph::Op::kRmsNorm;
  graph::RmsNormParams norm_params;
  if (norm) {
    const Node& folded = low.graph().nodes[producer];
    norm_params = std::get<graph::RmsNormParams>(folded.params);
    linear.x = low.rows(folded.inputs[0]);
    linear.gain = read(low.weights().vector(folded.inputs[1]));
  }
  if (node.inputs[2] != kNone) linear.bias = read(low.weights().vector(node.inputs[2]));
  int residual = 0;
  Rows r;
  if (node.inputs[3] != kNone) {
    r = low.rows(node.inputs[3]);
    residual = r.root == linear.y.root ? 2 : 1;
    if (residual == 1) linear.residual = write(r.binding);
  }
  if (residual == 1 && r.root == linear.x.root) {
    return fail(ErrorCode::kUnsupportedDevice,
                "The GPU does not add a linear's own input to its output.", node.name);
  }
  int activation = 0;
  if (glu != kNoNode) {
    const auto kind = std::get<graph::GluParams>(low.graph().nodes[glu].params).activation;
    activation = activation_kind(kind);
  }
  linear.constants = {set("K", linear.weight.columns),
                      set("X_STRIDE", linear.x.stride),
                      set("X_OFFSET", linear.x.offset),
                      set("Y_STRIDE", linear.y.stride),
                      set("Y_OFFSET", linear.y.offset),
                      set("R_STRIDE", r.stride),
                      set("R_OFFSET", r.offset),
                      set("NORM", norm),
                      set("EPSILON", norm_params.epsilon),
                      set("GAIN_OFFSET", norm_params.weight_offset),
                      set("BIAS", node.inputs[2] != kNone),
                      set("RESIDUAL", residual),
                      set("GLU", activation),
                      set("ROWS_KIND", linear.y.per_output)};
  add_table(linear.weight, linear.constants);
  return matvec ? emit_matvec(low, node, linear, glu != kNoNode) : emit_matmul(low, node, linear);
}

}  // namespace hearth::gpu
