// How GPTQ and AWQ write a matrix: whole numbers of a few bits in words of 32, with a scale and a
// zero point for each group of columns and each row, in tensors of their own:
//
//   qweight  I32   GPTQ (columns · bits / 32, rows): a row's columns follow each other in the bits
//   of
//                  its words, the first lowest; with 3 bits some lie across two words
//                  AWQ (columns, rows / 8): a word has the nibbles of eight rows, in the order
//                  0, 2, 4, 6, 1, 3, 5, 7, the first lowest
//   qzeros   I32   GPTQ (groups, rows · bits / 32): as a row of bits; AWQ (groups, rows / 8)
//   scales   float (groups, rows)
//   g_idx    I32   GPTQ only, (columns): the group of each column
//
// so that W[row, column] = scale · (q − zero). Columns are the layer's inputs and rows its outputs:
// the matrix lies transposed. Sources: Frantar et al., "GPTQ" (arXiv 2210.17323) and Lin et al.,
// "AWQ" (arXiv 2306.00978); the layouts are those of AutoGPTQ and AutoAWQ ("gemm").
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace hearth {

enum class Packing : std::uint8_t { kGptq, kAwq };

struct PackedFormat {
  Packing packing = Packing::kGptq;
  int bits = 4;                  ///< 2, 3, 4 or 8
  std::int64_t group_size = -1;  ///< columns that share a scale; -1 for all of a row
  /// The first of GPTQ's formats stores each zero less one, in as many bits as a weight has.
  bool zeros_less_one = false;
  bool act_order = false;  ///< columns were quantized by importance, and groups are out of order

  /// The type that a matrix has in memory: blocks with a scale and a zero.
  DType dtype() const { return bits == 8 ? DType::kZ8 : DType::kZ4; }
  /// Columns of a group, for a matrix with so many.
  std::int64_t group_of(std::int64_t columns) const {
    return group_size < 0 ? columns : group_size;
  }
  std::int64_t groups(std::int64_t columns) const {
    return (columns + group_of(columns) - 1) / group_of(columns);
  }
};

}  // namespace hearth
