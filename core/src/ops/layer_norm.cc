#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("layer_norm", in, 3, 2, at));
  HEARTH_TRY(check_rows("layer_norm", in[0], at));
  for (std::size_t i = 1; i < 3; ++i) {
    if (in[i].present && !is_float_vector(in[i], in[0].shape[1])) {
      return mismatch("layer_norm", at, in[i], cat(in[0].shape[1], " floats"));
    }
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules layer_norm_rules() {
  return {.name = "layer_norm", .check = check, .infer = infer, .in_place = 0};
}

}  // namespace hearth::ops
