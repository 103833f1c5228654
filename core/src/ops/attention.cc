#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams& params, std::span<const Operand> in, std::string_view at) {
  const auto& attention = std::get<graph::AttentionParams>(params);
  HEARTH_TRY(check_count("attention", in, 5, 5, at));
  for (int i = 0; i < 3; ++i) {
    const Operand& operand = in[static_cast<std::size_t>(i)];
    HEARTH_TRY(check_rows("attention", operand, at));
    const std::int64_t heads = i == 0 ? attention.heads : attention.kv_heads;
    if (operand.shape[1] != heads * attention.head_size) {
      return mismatch("attention", at, operand, cat(heads, " heads of ", attention.head_size));
    }
  }
  if (attention.window < 0 || !(attention.soft_cap >= 0)) {
    return mismatch("attention", at, in[0], "a window and a soft cap of zero or more");
  }
  if (attention.kv_heads < 1 || attention.heads % attention.kv_heads != 0) {
    return mismatch("attention", at, in[0],
                    cat("query heads in whole groups for ", attention.kv_heads, " key heads"));
  }
  for (std::size_t i = 3; i < 5; ++i) {
    if (in[i].dtype != DType::kF32 || in[i].shape.rank() != 3 ||
        in[i].shape[0] != attention.kv_heads || in[i].shape[2] != attention.head_size) {
      return mismatch("attention", at, in[i], "a state (kv_heads, context, head_size)");
    }
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules attention_rules() { return {.name = "attention", .check = check, .infer = infer}; }

}  // namespace hearth::ops
