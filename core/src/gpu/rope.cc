// Turning on its own, for models whose query and key rope_kv.wgsl does not take together.

#include "gpu/lower.h"

namespace hearth::gpu {

Result<void> emit_rope(Lowering& low, const graph::Node& node) {
  const auto& params = std::get<graph::RopeParams>(node.params);
  const Rows x = low.rows(node.inputs[0]), y = low.rows(node.output);
  const bool shared = x.root == y.root;
  HEARTH_ASSIGN(const Variant variant, low.writer().variant("rope"));
  // An invocation turns a pair; 64 a workgroup.
  const std::int64_t pairs = params.heads * params.head_size / 2;
  return low.writer().dispatch(
      low.out(), node.name, variant,
      {set("HEADS", params.heads), set("HEAD_SIZE", params.head_size),
       set("ROTARY", params.rotary_size), set("INTERLEAVED", params.interleaved),
       set("SCALE", params.scale), set("X_STRIDE", x.stride), set("X_OFFSET", x.offset),
       set("Y_STRIDE", y.stride), set("Y_OFFSET", y.offset), set("X_IN_Y", shared)},
      {read(low.constant(node.inputs[1])),
       shared ? low.writer().nothing(Access::kWrite, 2) : write(x.binding), write(y.binding)},
      {.x = fixed((pairs + 63) / 64), .y = per("tokens")});
}

}  // namespace hearth::gpu
