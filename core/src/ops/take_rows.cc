#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("take_rows", in, 1, 1, at));
  HEARTH_TRY(check_rows("take_rows", in[0], at));
  if (in[0].shape[0] != graph::kTokens) {
    return mismatch("take_rows", at, in[0], "a row for each token");
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) {
  return {graph::kOutputs, in[0].shape[1]};
}

}  // namespace

OpRules take_rows_rules() { return {.name = "take_rows", .check = check, .infer = infer}; }

}  // namespace hearth::ops
