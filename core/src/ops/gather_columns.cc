#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("gather_columns", in, 2, 2, at));
  HEARTH_TRY(check_rows("gather_columns", in[0], at));
  if (in[1].dtype != DType::kI32 || !(in[1].shape == Shape{in[0].shape.back()})) {
    return mismatch("gather_columns", at, in[1],
                    cat("an order of ", in[0].shape.back(), " columns"));
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules gather_columns_rules() {
  return {.name = "gather_columns", .check = check, .infer = infer};
}

}  // namespace hearth::ops
