// Rows of weights as floats, fast: what the float kernels read.
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace hearth::cpu {

/// Writes `n` floats to `out`, the values that dequantize() gives (a NaN's bits may differ). `from`
/// holds dtype_bytes(dtype, n) bytes at any address; n is a multiple of the block;
/// can_dequantize(dtype) holds.
void widen(DType dtype, const std::uint8_t* from, std::int64_t n, float* out);

}  // namespace hearth::cpu
