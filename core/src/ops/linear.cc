#include "ops/check.h"
#include "ops/op_table.h"
#include "quant/dequantize.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("linear", in, 4, 2, at));
  HEARTH_TRY(check_rows("linear", in[0], at));
  if (!can_dequantize(in[1].dtype) || in[1].shape.rank() != 2 || in[1].shape[1] != in[0].shape[1]) {
    return mismatch("linear", at, in[1], cat("a weight (out, ", in[0].shape[1], ")"));
  }
  if (in[2].present && !is_float_vector(in[2], in[1].shape[0])) {
    return mismatch("linear", at, in[2], cat("a bias of ", in[1].shape[0], " floats"));
  }
  if (in[3].present &&
      (in[3].dtype != DType::kF32 || !(in[3].shape == Shape{in[0].shape[0], in[1].shape[0]}))) {
    return mismatch("linear", at, in[3], "a residual of the output's shape");
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) {
  return {in[0].shape[0], in[1].shape[0]};
}

}  // namespace

// The output may overwrite the residual: each element is read just before it is written.
OpRules linear_rules() { return {.name = "linear", .check = check, .infer = infer, .in_place = 3}; }

}  // namespace hearth::ops
