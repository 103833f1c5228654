#include "tensor/dtype.h"

#include <array>

namespace hearth {
namespace {

// Block sizes are GGUF's (ggml-common.h): a scale (and minimum) of 2 bytes, then packed quants.
// K-quants and IQ4_XS have 256 elements, with 4- or 6-bit scales of 16 or 32 elements each; MXFP4's
// scale is one byte, a power of two. Z4 and Z8 are drawn in quant/dequantize.cc.
constexpr std::array<DTypeInfo, kDTypeCount> kInfo = {{
    {"F32", 1, 4, false},
    {"F16", 1, 2, false},
    {"BF16", 1, 2, false},
    {"F64", 1, 8, false},
    {"I8", 1, 1, false},
    {"I16", 1, 2, false},
    {"I32", 1, 4, false},
    {"I64", 1, 8, false},
    {"U8", 1, 1, false},
    {"BOOL", 1, 1, false},
    {"Q4_0", 32, 2 + 16, true},
    {"Q4_1", 32, 2 + 2 + 16, true},
    {"Q5_0", 32, 2 + 4 + 16, true},
    {"Q5_1", 32, 2 + 2 + 4 + 16, true},
    {"Q8_0", 32, 2 + 32, true},
    {"Q4_K", 256, 2 + 2 + 12 + 128, true},
    {"Q5_K", 256, 2 + 2 + 12 + 32 + 128, true},
    {"Q6_K", 256, 128 + 64 + 16 + 2, true},
    {"Q2_K", 256, 16 + 64 + 2 + 2, true},
    {"Q3_K", 256, 32 + 64 + 12 + 2, true},
    {"IQ4_NL", 32, 2 + 16, true},
    {"IQ4_XS", 256, 2 + 2 + 4 + 128, true},
    {"MXFP4", 32, 1 + 16, true},
    {"Z4", 32, 2 + 2 + 16, true},
    {"Z8", 32, 2 + 2 + 32, true},
}};

}  // namespace

const DTypeInfo& dtype_info(DType dtype) { return kInfo[static_cast<std::size_t>(dtype)]; }

std::uint64_t dtype_bytes(DType dtype, std::uint64_t elements) {
  const DTypeInfo& info = dtype_info(dtype);
  return elements / static_cast<std::uint64_t>(info.block_elements) *
         static_cast<std::uint64_t>(info.block_bytes);
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (is_file_type(dtype) && dtype_name(dtype) == name) return dtype;
  }
  return std::nullopt;
}

}  // namespace hearth
