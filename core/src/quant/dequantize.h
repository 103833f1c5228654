// Exact dequantization: the float value that each block format of GGUF defines, bit for bit what
// the `gguf` Python package computes. The oracle for every fast kernel; also used to read single
// rows.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "tensor/dtype.h"

namespace hearth {

/// Float value of an IEEE half and of a bfloat16, exact for every bit pattern (subnormals, NaN).
float f16_to_f32(std::uint16_t half);
float bf16_to_f32(std::uint16_t bits);

/// Nearest half, ties to even; overflow gives infinity.
std::uint16_t f32_to_f16(float value);

/// Whether dequantize() handles the type: floats and every quantized type, not the integers.
bool can_dequantize(DType dtype);

/// Writes `out.size()` floats. `from` holds exactly dtype_bytes(dtype, out.size()) bytes, which may
/// be unaligned; out.size() is a multiple of the block. can_dequantize(dtype) holds.
void dequantize(DType dtype, Bytes from, std::span<float> out);

}  // namespace hearth
