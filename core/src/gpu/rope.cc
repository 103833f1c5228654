// Turning on its own, for models whose query and key rope_kv.wgsl does not take together.

#include "gpu/lower.h"

namespace hearth::gpu {

Result<void> emit_rope(Lowering& low, const graph::Node& node) {
  const auto& params = std::get<graph::RopeParams>(node.params);
  const Rows x = low.rows(node.inputs[0]), y = low.rows(node.output);
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("rope"));
  const bool divided = node.inputs[2] != graph::kNone;
  const Bound divisors =
      divided ? read(low.weights().vector(node.inputs[2])) : low.writer().nothing(Access::kRead, 4);
  // An invocation turns a pair; 64 a workgroup.
  const std::int64_t pairs = params.heads * params.head_size / 2;
  return low.writer().dispatch(
      low.out(), node.name, variant,
      {set("HEADS", params.heads), set("HEAD_SIZE", params.head_size),
       set("ROTARY", params.rotary_size), set("INTERLEAVED", params.interleaved),
       set("SCALE", params.scale), set("X_STRIDE", x.stride), set("X_OFFSET", x.offset),
       set("Y_STRIDE", y.stride), set("Y_OFFSET", y.offset), set("X_IN_Y", x.root == y.root),
       set("DIVIDED", divided)},
      {read(low.constant(node.inputs[1])), low.input(x, y, 2), write(y.binding), divisors},
      {.x = fixed((pairs + 63) / 64), .y = per("tokens")});
}

}  // namespace hearth::gpu
