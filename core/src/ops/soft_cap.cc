#include <cmath>

#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams& params, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("soft_cap", in, 1, 1, at));
  HEARTH_TRY(check_rows("soft_cap", in[0], at));
  const float cap = std::get<graph::SoftCapParams>(params).cap;
  if (!std::isfinite(cap) || !(cap > 0))
    return mismatch("soft_cap", at, in[0], "a finite cap above zero");
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules soft_cap_rules() {
  return {.name = "soft_cap", .check = check, .infer = infer, .in_place = 0};
}

}  // namespace hearth::ops
