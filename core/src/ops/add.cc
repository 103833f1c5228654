#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("add", in, 2, 2, at));
  HEARTH_TRY(check_rows("add", in[0], at));
  HEARTH_TRY(check_rows("add", in[1], at));
  if (!(in[0].shape == in[1].shape)) {
    return mismatch("add", at, in[1], cat("two of one shape, ", in[0].shape.to_string()));
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules add_rules() { return {.name = "add", .check = check, .infer = infer, .in_place = 0}; }

}  // namespace hearth::ops
