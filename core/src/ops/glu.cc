#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("glu", in, 2, 2, at));
  HEARTH_TRY(check_rows("glu", in[0], at));
  HEARTH_TRY(check_rows("glu", in[1], at));
  if (!(in[0].shape == in[1].shape)) {
    return mismatch("glu", at, in[1], cat("gate and up of one shape, ", in[0].shape.to_string()));
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules glu_rules() { return {.name = "glu", .check = check, .infer = infer}; }

}  // namespace hearth::ops
