// What the ops' checks have in common: sentences that name the op, the node and the tensor.
#pragma once

#include <span>
#include <string_view>

#include "base/cat.h"
#include "graph/op.h"

namespace hearth::ops {

using graph::Operand;
using graph::OpParams;
using graph::OpRules;

inline std::unexpected<Error> mismatch(std::string_view op, std::string_view at,
                                       const Operand& operand, std::string_view wanted) {
  return fail(ErrorCode::kShapeMismatch,
              cat("The op ", op, " at \"", at, "\" takes ", wanted, ", but \"", operand.name,
                  "\" is ", dtype_name(operand.dtype), " ", operand.shape.to_string(), "."),
              operand.name);
}

/// `count` inputs are listed and the first `required` of them are present.
inline Result<void> check_count(std::string_view op, std::span<const Operand> inputs,
                                std::size_t count, std::size_t required, std::string_view at) {
  bool complete = inputs.size() == count;
  for (std::size_t i = 0; complete && i < required; ++i) complete = inputs[i].present;
  if (complete) return {};
  return fail(ErrorCode::kInternal, cat("The op ", op, " at \"", at, "\" lacks an input."), at);
}

/// An activation matrix of floats (rows, columns).
inline Result<void> check_rows(std::string_view op, const Operand& operand, std::string_view at) {
  if (operand.dtype == DType::kF32 && operand.shape.rank() == 2) return {};
  return mismatch(op, at, operand, "rows of F32");
}

/// A vector of floats, of any of the types that are widened to F32 in place when they are loaded.
inline bool is_float_vector(const Operand& operand, std::int64_t elements) {
  const bool widens =
      operand.dtype == DType::kF32 || operand.dtype == DType::kF16 || operand.dtype == DType::kBF16;
  return widens && operand.shape == Shape{elements};
}

}  // namespace hearth::ops
