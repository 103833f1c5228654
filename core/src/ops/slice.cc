#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams& params, std::span<const Operand> in, std::string_view at) {
  const auto& slice = std::get<graph::SliceParams>(params);
  HEARTH_TRY(check_count("slice", in, 1, 1, at));
  HEARTH_TRY(check_rows("slice", in[0], at));
  if (slice.begin < 0 || slice.count < 1 || slice.begin > in[0].shape[1] - slice.count) {
    return mismatch("slice", at, in[0], cat(slice.count, " columns from ", slice.begin));
  }
  return {};
}

Shape infer(const OpParams& params, std::span<const Operand> in) {
  return {in[0].shape[0], std::get<graph::SliceParams>(params).count};
}

}  // namespace

OpRules slice_rules() { return {.name = "slice", .check = check, .infer = infer}; }

}  // namespace hearth::ops
