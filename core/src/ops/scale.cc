#include <cmath>

#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams& params, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("scale", in, 1, 1, at));
  HEARTH_TRY(check_rows("scale", in[0], at));
  const float factor = std::get<graph::ScaleParams>(params).factor;
  if (!std::isfinite(factor)) return mismatch("scale", at, in[0], "a finite factor");
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules scale_rules() { return {.name = "scale", .check = check, .infer = infer, .in_place = 0}; }

}  // namespace hearth::ops
