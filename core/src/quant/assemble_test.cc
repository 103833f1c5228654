// GPTQ's and AWQ's matrices against their definition, one bit after the other.
#include "quant/assemble.h"

#include <gtest/gtest.h>

#include "quant/random_packed.h"

namespace hearth {
namespace {

/// `count` bits from bit `at` on of words of 32, the first bit lowest.
std::uint32_t bits_at(const std::vector<std::uint8_t>& bytes, std::int64_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    const std::int64_t bit = at + i;
    value |= static_cast<std::uint32_t>(bytes[static_cast<std::size_t>(bit / 8)] >> bit % 8 & 1)
             << i;
  }
  return value;
}

// The order in which AWQ's words have the nibbles of eight rows.
constexpr int kAwqRows[] = {0, 2, 4, 6, 1, 3, 5, 7};

std::int64_t awq_bit(std::int64_t index, std::int64_t row) {
  std::int64_t slot = 0;
  while (kAwqRows[slot] != row % 8) ++slot;
  return (index + row / 8) * 32 + slot * 4;
}

/// Weight (row, column) as the format defines it.
float weight_of(const RandomPacked& p, std::int64_t row, std::int64_t column) {
  const int bits = p.format.bits;
  const std::int64_t group = p.g_idx.empty() ? column / p.format.group_of(p.columns)
                                             : load_le<std::int32_t>(p.g_idx.data() + column * 4);
  std::uint32_t code = 0, zero = 0;
  if (p.format.packing == Packing::kAwq) {
    code = bits_at(p.qweight, awq_bit(column * (p.rows / 8), row), bits);
    zero = bits_at(p.qzeros, awq_bit(group * (p.rows / 8), row), bits);
  } else {
    for (int i = 0; i < bits; ++i) {
      const std::int64_t bit = column * bits + i;
      code |= bits_at(p.qweight, (bit / 32 * p.rows + row) * 32 + bit % 32, 1) << i;
    }
    zero = bits_at(p.qzeros, (group * p.rows + row) * bits, bits);
  }
  if (p.format.zeros_less_one) zero = (zero + 1) % (1U << bits);
  float scale = 0;
  const std::int64_t size = dtype_info(p.scale_type).block_bytes;
  dequantize(p.scale_type,
             Bytes(p.scales).subspan(static_cast<std::size_t>((group * p.rows + row) * size),
                                     static_cast<std::size_t>(size)),
             {&scale, 1});
  return f16_to_f32(f32_to_f16(scale)) * (static_cast<float>(code) - static_cast<float>(zero));
}

void expect_exact(const RandomPacked& packed) {
  const auto columns = static_cast<std::size_t>(packed.columns);
  std::vector<std::uint32_t> order(columns);
  std::iota(order.begin(), order.end(), 0U);
  if (!packed.g_idx.empty()) {
    ASSERT_TRUE(column_order(packed.g_idx, packed.format.group_of(packed.columns),
                             !packed.format.act_order, "x.g_idx", order));
  }
  const DType dtype = packed.format.dtype();
  const auto elements = static_cast<std::uint64_t>(packed.rows * packed.columns);
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(dtype_bytes(dtype, elements)));
  assemble(packed.matrix(packed.format.act_order ? order : std::span<std::uint32_t>()),
           blocks.data());
  std::vector<float> values(static_cast<std::size_t>(elements));
  dequantize(dtype, blocks, values);
  for (std::int64_t row = 0; row < packed.rows; ++row) {
    for (std::int64_t place = 0; place < packed.columns; ++place) {
      const std::int64_t column = order[static_cast<std::size_t>(place)];
      ASSERT_EQ(values[static_cast<std::size_t>(row * packed.columns + place)],
                weight_of(packed, row, column))
          << packed.format.bits << " bits, row " << row << ", column " << column;
    }
  }
}

// Rows that fill no tile, and a last group that is short.
TEST(Assemble, GptqIsExact) {
  std::mt19937 random(1);
  for (const int bits : {2, 3, 4, 8}) {
    for (const std::int64_t group : {32, 64, 128, -1}) {
      for (const bool less_one : {false, true}) {
        for (const bool act_order : {false, true}) {
          const PackedFormat format{.bits = bits,
                                    .group_size = group,
                                    .zeros_less_one = less_one,
                                    .act_order = act_order};
          expect_exact(random_packed(random, format, 32, 160));
        }
      }
    }
  }
}

TEST(Assemble, AwqIsExact) {
  std::mt19937 random(2);
  for (const std::int64_t group : {32, 64, -1}) {
    for (const std::int64_t rows : {8, 24}) {
      expect_exact(
          random_packed(random, {.packing = Packing::kAwq, .group_size = group}, rows, 192));
    }
  }
}

TEST(Assemble, ScalesOfOtherTypesBecomeTheNearestHalf) {
  std::mt19937 random(3);
  for (const DType type : {DType::kBF16, DType::kF32}) {
    expect_exact(random_packed(random, {.group_size = 32}, 32, 64, type));
  }
}

std::vector<std::uint8_t> indices(const std::vector<std::int32_t>& values) {
  std::vector<std::uint8_t> bytes(values.size() * 4);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(ColumnOrder, IsStable) {
  std::vector<std::uint32_t> order(5);
  ASSERT_TRUE(column_order(indices({1, 0, 2, 1, 0}), 2, false, "g", order));
  EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 4, 0, 3, 2}));
}

TEST(ColumnOrder, RefusesGroupsThatTheFormatHasNot) {
  std::vector<std::uint32_t> order(4);
  const auto refused = [&](const std::vector<std::int32_t>& groups, bool sorted) {
    const auto result = column_order(indices(groups), 2, sorted, "x.g_idx", order);
    return !result && result.error().code == ErrorCode::kMalformedTensor &&
           result.error().name == "x.g_idx";
  };
  EXPECT_TRUE(refused({0, 0, 1, 2}, false));
  EXPECT_TRUE(refused({0, 0, 1, -1}, false));
  EXPECT_TRUE(refused({0, 0, 0, 1}, false));
  EXPECT_TRUE(refused({0, 1, 0, 1}, true));
  EXPECT_FALSE(refused({0, 1, 0, 1}, false));
  EXPECT_FALSE(refused({0, 0, 1, 1}, true));
}

}  // namespace
}  // namespace hearth
