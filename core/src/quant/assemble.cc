#include "quant/assemble.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/cat.h"
#include "base/check.h"
#include "quant/dequantize.h"

namespace hearth {
namespace {

constexpr std::int64_t kBlock = 32;
constexpr std::int64_t kHead = 4;  // bytes of a block's scale and zero
// Rows taken together: their words fill a cache line, so that each line is read once.
constexpr std::int64_t kTile = 16;

/// Codes of a block's columns in the rows of a tile: (column, row).
using Codes = std::uint8_t[kBlock][kTile];

std::uint32_t word_at(Bytes words, std::int64_t index) {
  return load_le<std::uint32_t>(words.data() + index * 4);
}

/// Where in AWQ's words the nibble of a row is: even rows first, then odd ones.
int awq_shift(std::int64_t row) {
  const auto within = static_cast<int>(row % 8);
  return 4 * (within / 2 + within % 2 * 4);
}

void gptq_codes(const PackedMatrix& m, std::int64_t column, std::int64_t row, std::int64_t rows,
                std::uint8_t* codes) {
  const int bits = m.format.bits;
  const std::uint32_t mask = (1U << bits) - 1;
  const std::int64_t first = column * bits / 32 * m.rows + row;
  const auto shift = static_cast<int>(column * bits % 32);
  if (shift + bits <= 32) {
    for (std::int64_t r = 0; r < rows; ++r) {
      codes[r] = static_cast<std::uint8_t>(word_at(m.qweight, first + r) >> shift & mask);
    }
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::uint32_t low = word_at(m.qweight, first + r) >> shift;
    const std::uint32_t high = word_at(m.qweight, first + m.rows + r) << (32 - shift);
    codes[r] = static_cast<std::uint8_t>((low | high) & mask);
  }
}

void awq_codes(const PackedMatrix& m, std::int64_t column, std::int64_t row, std::int64_t rows,
               std::uint8_t* codes) {
  const std::int64_t first = column * (m.rows / 8);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::uint32_t word = word_at(m.qweight, first + (row + r) / 8);
    codes[r] = static_cast<std::uint8_t>(word >> awq_shift(row + r) & 15);
  }
}

std::int16_t zero_of(const PackedMatrix& m, std::int64_t group, std::int64_t row) {
  const int bits = m.format.bits;
  const std::uint32_t mask = (1U << bits) - 1;
  const std::int64_t words = m.rows * bits / 32;
  std::uint32_t zero = 0;
  if (m.format.packing == Packing::kAwq) {
    zero = word_at(m.qzeros, group * words + row / 8) >> awq_shift(row);
  } else {
    const std::int64_t word = group * words + row * bits / 32;
    const auto shift = static_cast<int>(row * bits % 32);
    zero = word_at(m.qzeros, word) >> shift;
    if (shift + bits > 32) zero |= word_at(m.qzeros, word + 1) << (32 - shift);
  }
  // A zero of 0 less one is all ones, as there are no more bits.
  if (m.format.zeros_less_one) ++zero;
  // Bytes are signed in the block.
  return static_cast<std::int16_t>(static_cast<int>(zero & mask) - (bits == 8 ? 128 : 0));
}

std::uint16_t scale_of(const PackedMatrix& m, std::int64_t group, std::int64_t row) {
  const std::int64_t at = group * m.rows + row;
  switch (m.scale_type) {
    case DType::kF16:
      return load_le<std::uint16_t>(m.scales.data() + at * 2);
    case DType::kBF16:
      return f32_to_f16(bf16_to_f32(load_le<std::uint16_t>(m.scales.data() + at * 2)));
    case DType::kF32:
      return f32_to_f16(load_le<float>(m.scales.data() + at * 4));
    default:
      HEARTH_CHECK(false);
      return 0;
  }
}

void write_codes(DType dtype, const Codes& codes, std::int64_t row, std::uint8_t* block) {
  if (dtype == DType::kZ8) {
    for (std::int64_t i = 0; i < kBlock; ++i) block[kHead + i] = codes[i][row] ^ 0x80;
    return;
  }
  for (std::int64_t i = 0; i < kBlock / 2; ++i) {
    block[kHead + i] = static_cast<std::uint8_t>(codes[i][row] | codes[i + kBlock / 2][row] << 4);
  }
}

}  // namespace

void assemble(const PackedMatrix& from, std::uint8_t* to) {
  const std::int64_t group_size = from.format.group_of(from.columns);
  HEARTH_CHECK(from.columns % kBlock == 0 && group_size % kBlock == 0);
  const DType dtype = from.format.dtype();
  const auto block_bytes = static_cast<std::int64_t>(dtype_info(dtype).block_bytes);
  const std::int64_t blocks = from.columns / kBlock;
  const auto read = from.format.packing == Packing::kAwq ? awq_codes : gptq_codes;
  Codes codes;
  std::uint8_t heads[kTile][kHead];
  for (std::int64_t row = 0; row < from.rows; row += kTile) {
    const std::int64_t rows = std::min(kTile, from.rows - row);
    for (std::int64_t block = 0; block < blocks; ++block) {
      if (block * kBlock % group_size == 0) {
        const std::int64_t group = block * kBlock / group_size;
        for (std::int64_t r = 0; r < rows; ++r) {
          const std::uint16_t scale = scale_of(from, group, row + r);
          const std::int16_t zero = zero_of(from, group, row + r);
          std::memcpy(heads[r], &scale, sizeof scale);
          std::memcpy(heads[r] + sizeof scale, &zero, sizeof zero);
        }
      }
      for (std::int64_t i = 0; i < kBlock; ++i) {
        const std::int64_t place = block * kBlock + i;
        const std::int64_t column =
            from.order.empty() ? place : from.order[static_cast<std::size_t>(place)];
        read(from, column, row, rows, codes[i]);
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        std::uint8_t* out = to + ((row + r) * blocks + block) * block_bytes;
        std::memcpy(out, heads[r], kHead);
        write_codes(dtype, codes, r, out);
      }
    }
  }
}

Result<void> column_order(Bytes groups, std::int64_t group_size, bool sorted, std::string_view name,
                          std::span<std::uint32_t> order) {
  const auto columns = static_cast<std::int64_t>(order.size());
  HEARTH_CHECK(group_size > 0 && groups.size() == order.size() * 4);
  const std::int64_t count = (columns + group_size - 1) / group_size;
  std::vector<std::int64_t> next(
      static_cast<std::size_t>(count));  // place of a group's next column
  for (std::int64_t group = 0; group < count; ++group) {
    next[static_cast<std::size_t>(group)] = group * group_size;
  }
  for (std::int64_t column = 0; column < columns; ++column) {
    const std::int64_t group = load_le<std::int32_t>(groups.data() + column * 4);
    const auto refuse = [&](std::string_view why) {
      return fail(ErrorCode::kMalformedTensor,
                  cat("\"", name, "\" puts column ", column, " into group ", group, ", ", why, "."),
                  name);
    };
    if (group < 0 || group >= count) return refuse(cat("and there are ", count));
    std::int64_t& place = next[static_cast<std::size_t>(group)];
    if (place == std::min(columns, (group + 1) * group_size)) {
      return refuse("which has as many as it may have");
    }
    if (sorted && place != column) {
      return refuse("and quantization_config.desc_act says that groups are in order");
    }
    order[static_cast<std::size_t>(place++)] = static_cast<std::uint32_t>(column);
  }
  return {};
}

}  // namespace hearth
