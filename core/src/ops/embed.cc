#include "ops/check.h"
#include "ops/op_table.h"
#include "quant/dequantize.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("embed", in, 2, 2, at));
  if (in[0].dtype != DType::kI32 || in[0].shape.rank() != 1) {
    return mismatch("embed", at, in[0], "token ids of I32");
  }
  if (!can_dequantize(in[1].dtype) || in[1].shape.rank() != 2) {
    return mismatch("embed", at, in[1], "a matrix of a float or quantized type");
  }
  return {};
}

Shape infer(const OpParams&, std::span<const Operand> in) {
  return {in[0].shape[0], in[1].shape[1]};
}

}  // namespace

OpRules embed_rules() { return {.name = "embed", .check = check, .infer = infer}; }

}  // namespace hearth::ops
