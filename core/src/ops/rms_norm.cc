#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams& params, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("rms_norm", in, 2, 2, at));
  HEARTH_TRY(check_rows("rms_norm", in[0], at));
  const std::int64_t groups = std::get<graph::RmsNormParams>(params).groups;
  if (groups < 1 || in[0].shape[1] % groups != 0) {
    return mismatch("rms_norm", at, in[0], cat("rows of ", groups, " groups"));
  }
  const std::int64_t width = in[0].shape[1] / groups;
  if (!is_float_vector(in[1], width)) {
    return mismatch("rms_norm", at, in[1], cat("a weight of ", width, " floats"));
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules rms_norm_rules() {
  return {.name = "rms_norm", .check = check, .infer = infer, .in_place = 0};
}

}  // namespace hearth::ops
