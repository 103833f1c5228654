// Element types: plain numbers, the block formats of GGUF, and two of our own that GPTQ's and AWQ's
// matrices become in memory. A block is the smallest addressable piece; a plain number is a block
// of one element.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth {

enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kBool,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kQ2_K,
  kQ3_K,
  kIQ4_NL,
  kIQ4_XS,
  kMXFP4,
  // With zero points: value = d · (q − z). They are in no file.
  kZ4,
  kZ8,
};
inline constexpr int kDTypeCount = 25;

/// Whether files have tensors of the type.
constexpr bool is_file_type(DType dtype) { return dtype != DType::kZ4 && dtype != DType::kZ8; }

struct DTypeInfo {
  std::string_view name;        ///< "F16", "Q4_K": GGUF's and safetensors' own spelling
  std::int32_t block_elements;  ///< elements in a block; 1 for plain numbers
  std::int32_t block_bytes;     ///< bytes of a block
  bool quantized;
};

const DTypeInfo& dtype_info(DType dtype);

inline std::string_view dtype_name(DType dtype) { return dtype_info(dtype).name; }

/// Bytes of `elements` contiguous elements; `elements` is a multiple of the block and the product
/// fits: callers check both (tensor/tensor_info.h does).
std::uint64_t dtype_bytes(DType dtype, std::uint64_t elements);

/// The type that files call so.
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace hearth
