// How Layout::kRows4 lies in memory. Four rows are interleaved block by block; a block of 32
// columns of four rows takes the bytes of its four plain blocks, so packing permutes bytes within a
// group of rows:
//
//   scales    4 halves, rows 0 … 3
//   minimums  4 halves                              Q4_1, Q5_1; Z4 and Z8 have zeros here
//   fifths    4 words of 32 high bits               Q5_0, Q5_1: bit 8·i + j belongs to byte i of
//   vector j,
//                                                   low nibbles being vectors 0 … 3, high ones 4 …
//                                                   7
//   quants    vectors of 16 bytes; lane r (4 bytes) belongs to row r:
//               4-bit: 4 vectors; vector j has columns 4j … 4j+3 in the low nibbles, 16+4j … in the
//               high 8-bit: 8 vectors; vector j has columns 4j … 4j+3
#pragma once

#include "cpu/kernels.h"

namespace hearth::cpu {

inline constexpr std::int64_t kGroupRows = 4;
inline constexpr std::int64_t kBlock = 32;  ///< columns in a block of every packed type

/// Whether the type has a kRows4 form.
bool can_pack(DType dtype);

/// Writes plain block `block` of `row` (any layout) to `out`, which has the type's block_bytes.
void read_block(const Matrix& matrix, std::int64_t row, std::int64_t block, std::uint8_t* out);

/// The inverse of pack_in_place for one block of four rows: `packed` to four plain blocks, `stride`
/// bytes apart.
void unpack_block(DType dtype, const std::uint8_t* packed, std::uint8_t* plain, std::size_t stride);

}  // namespace hearth::cpu
