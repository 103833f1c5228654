// How matrices lie on a GPU: planes of codes and of scales, aligned to 16 bytes, in a handful of
// layouts that every format of a file is repacked to (kernels/README.md has the table).
#pragma once

#include <cstdint>
#include <string_view>

#include "tensor/dtype.h"

namespace hearth::gpu {

enum class Layout : std::uint8_t { kF32, kF16, kBF16, kQ4, kQ4M, kQ4T, kQ8, kQ8M };

struct LayoutInfo {
  std::string_view name;
  std::int64_t block;        ///< elements that share a scale at least; rows are multiples of it
  std::int64_t code_bits;    ///< bits of an element in the codes plane
  std::int64_t scale_bytes;  ///< bytes in the scales plane, for each
  std::int64_t scale_block;  ///< so many elements
};

const LayoutInfo& layout_info(Layout layout);

/// The layout that matrices of a type get. The type is one that dequantize() handles.
Layout layout_of(DType dtype);

/// The kernel that brings a block of the type into its layout; empty when the bytes stay as they
/// are.
std::string_view repack_kernel(DType dtype);

/// For kQ4M and kQ8M: whether the scales have zero points and not minimums (`ZERO_POINTS`).
bool has_zero_points(DType dtype);

/// For kQ4T: which table of 16 values the codes index, as `TABLE_KIND` of the kernels counts them.
int table_kind(DType dtype);

/// Bytes of a row of `columns` elements in each plane.
std::int64_t codes_row_bytes(Layout layout, std::int64_t columns);
std::int64_t scales_row_bits(Layout layout, std::int64_t columns);

}  // namespace hearth::gpu
