#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams& params, std::span<const Operand> in, std::string_view at) {
  const auto& rope = std::get<graph::RopeParams>(params);
  HEARTH_TRY(check_count("rope", in, 3, 2, at));
  HEARTH_TRY(check_rows("rope", in[0], at));
  if (rope.heads < 1 || rope.head_size < 1 || in[0].shape[1] != rope.heads * rope.head_size) {
    return mismatch("rope", at, in[0], cat(rope.heads, " heads of ", rope.head_size));
  }
  if (rope.rotary_size < 2 || rope.rotary_size % 2 != 0 || rope.rotary_size > rope.head_size) {
    return mismatch("rope", at, in[0],
                    cat("an even rotary size up to the head's, not ", rope.rotary_size));
  }
  if (in[1].dtype != DType::kF32 || !(in[1].shape == Shape{rope.rotary_size / 2})) {
    return mismatch("rope", at, in[1], cat(rope.rotary_size / 2, " frequencies"));
  }
  if (in[2].present && !is_float_vector(in[2], rope.rotary_size / 2)) {
    return mismatch("rope", at, in[2], cat(rope.rotary_size / 2, " divisors"));
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules rope_rules() { return {.name = "rope", .check = check, .infer = infer, .in_place = 0}; }

}  // namespace hearth::ops
