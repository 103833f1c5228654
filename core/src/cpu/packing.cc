// Repacking of weights into groups of four rows, and reading single rows back.
#include "cpu/packing.h"

#include <memory>

#include "base/check.h"

namespace hearth::cpu {
namespace {

// Bytes of each part of a plain block, in its order: scale, minimum (or zero), fifth bits, quants.
struct Parts {
  std::size_t minimum;
  std::size_t fifths;
  std::size_t quants;
  std::size_t block() const { return 2 + minimum + fifths + quants; }
};

Parts parts_of(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return {0, 0, 16};
    case DType::kQ4_1:
    case DType::kZ4:
      return {2, 0, 16};
    case DType::kQ5_0:
      return {0, 4, 16};
    case DType::kQ5_1:
      return {2, 4, 16};
    case DType::kQ8_0:
      return {0, 0, 32};
    case DType::kZ8:
      return {2, 0, 32};
    default:
      HEARTH_CHECK(false);
  }
}

// Fifth bits: the file has bit k for column k. Column k < 16 is byte k % 4 of vector k / 4, the
// others byte k % 4 of vector 4 + (k - 16) / 4 = k / 4; so bit k goes to 8 · (k % 4) + k / 4.
std::uint32_t permute_fifths(std::uint32_t bits) {
  std::uint32_t out = 0;
  for (unsigned k = 0; k < 32; ++k) out |= (bits >> k & 1U) << (8 * (k % 4) + k / 4);
  return out;
}

std::uint32_t restore_fifths(std::uint32_t bits) {
  std::uint32_t out = 0;
  for (unsigned k = 0; k < 32; ++k) out |= (bits >> (8 * (k % 4) + k / 4) & 1U) << k;
  return out;
}

void pack_block(const Parts& parts, const std::uint8_t* plain, std::size_t stride,
                std::uint8_t* packed) {
  for (std::size_t row = 0; row < kGroupRows; ++row) {
    const std::uint8_t* from = plain + row * stride;
    std::uint8_t* to = packed;
    std::memcpy(to + row * 2, from, 2);
    from += 2;
    to += 2 * kGroupRows;
    if (parts.minimum != 0) {
      std::memcpy(to + row * 2, from, 2);
      from += 2;
      to += 2 * kGroupRows;
    }
    if (parts.fifths != 0) {
      const std::uint32_t bits = permute_fifths(load_le<std::uint32_t>(from));
      std::memcpy(to + row * 4, &bits, 4);
      from += 4;
      to += 4 * kGroupRows;
    }
    for (std::size_t word = 0; word < parts.quants / 4; ++word) {
      std::memcpy(to + word * 16 + row * 4, from + word * 4, 4);
    }
  }
}

// One row of a packed block.
void unpack_row(const Parts& parts, const std::uint8_t* packed, std::size_t row,
                std::uint8_t* plain) {
  std::memcpy(plain, packed + row * 2, 2);
  plain += 2;
  packed += 2 * kGroupRows;
  if (parts.minimum != 0) {
    std::memcpy(plain, packed + row * 2, 2);
    plain += 2;
    packed += 2 * kGroupRows;
  }
  if (parts.fifths != 0) {
    const std::uint32_t bits = restore_fifths(load_le<std::uint32_t>(packed + row * 4));
    std::memcpy(plain, &bits, 4);
    plain += 4;
    packed += 4 * kGroupRows;
  }
  for (std::size_t word = 0; word < parts.quants / 4; ++word) {
    std::memcpy(plain + word * 4, packed + word * 16 + row * 4, 4);
  }
}

}  // namespace

bool can_pack(DType dtype) {
  return dtype == DType::kQ4_0 || dtype == DType::kQ4_1 || dtype == DType::kQ5_0 ||
         dtype == DType::kQ5_1 || dtype == DType::kQ8_0 || dtype == DType::kZ4 ||
         dtype == DType::kZ8;
}

Layout preferred_layout(DType dtype, std::int64_t rows, std::int64_t columns, bool exact) {
  const bool whole = rows % kGroupRows == 0 && columns % kBlock == 0;
  return !exact && whole && can_pack(dtype) ? Layout::kRows4 : Layout::kPlain;
}

void pack_in_place(DType dtype, Layout layout, std::int64_t rows, std::int64_t columns,
                   std::uint8_t* data) {
  if (layout == Layout::kPlain) return;
  HEARTH_CHECK(can_pack(dtype) && rows % kGroupRows == 0 && columns % kBlock == 0);
  const Parts parts = parts_of(dtype);
  const auto blocks = static_cast<std::size_t>(columns / kBlock);
  const std::size_t row_bytes = blocks * parts.block();
  const auto group = std::make_unique<std::uint8_t[]>(row_bytes * kGroupRows);
  for (std::int64_t row = 0; row < rows; row += kGroupRows) {
    std::memcpy(group.get(), data, row_bytes * kGroupRows);
    for (std::size_t block = 0; block < blocks; ++block) {
      pack_block(parts, group.get() + block * parts.block(), row_bytes,
                 data + block * parts.block() * kGroupRows);
    }
    data += row_bytes * kGroupRows;
  }
}

void unpack_block(DType dtype, const std::uint8_t* packed, std::uint8_t* plain,
                  std::size_t stride) {
  const Parts parts = parts_of(dtype);
  for (std::size_t row = 0; row < kGroupRows; ++row) {
    unpack_row(parts, packed, row, plain + row * stride);
  }
}

void read_block(const Matrix& matrix, std::int64_t row, std::int64_t block, std::uint8_t* out) {
  const DTypeInfo& info = dtype_info(matrix.dtype);
  const std::int64_t blocks = matrix.columns / info.block_elements;
  if (matrix.layout == Layout::kPlain) {
    std::memcpy(out, matrix.data + (row * blocks + block) * info.block_bytes,
                static_cast<std::size_t>(info.block_bytes));
    return;
  }
  const std::int64_t group = row / kGroupRows;
  const std::uint8_t* packed =
      matrix.data + (group * blocks + block) * kGroupRows * info.block_bytes;
  unpack_row(parts_of(matrix.dtype), packed, static_cast<std::size_t>(row % kGroupRows), out);
}

}  // namespace hearth::cpu
