// widen() against dequantize(), bit for bit.
#include "cpu/widen.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "cpu/test_support.h"

namespace hearth::cpu {
namespace {

// Every NaN alike: IEEE leaves the bits of an operation's NaN open.
std::uint32_t comparable_bits(float value) {
  return std::isnan(value) ? 0x7FC00000 : std::bit_cast<std::uint32_t>(value);
}

constexpr float kUntouched = 12345;

void expect_same(DType dtype, const std::vector<std::uint8_t>& bytes, std::int64_t n) {
  const std::vector<float> expected = testing::dequantized(dtype, bytes, n);
  std::vector<std::uint8_t> shifted(1);  // one byte on, so that nothing is aligned
  shifted.insert(shifted.end(), bytes.begin(), bytes.end());
  std::vector<float> actual(static_cast<std::size_t>(n) + 1, kUntouched);
  widen(dtype, shifted.data() + 1, n, actual.data());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(comparable_bits(actual[i]), comparable_bits(expected[i]))
        << dtype_name(dtype) << " element " << i << " of " << n << ": " << actual[i] << " for "
        << expected[i];
  }
  ASSERT_EQ(actual.back(), kUntouched) << dtype_name(dtype);
}

TEST(Widen, EqualsDequantizeForSensibleScales) {
  std::mt19937 random(1);
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (!can_dequantize(dtype)) continue;
    const std::int64_t n = 8 * dtype_info(dtype).block_elements;
    expect_same(dtype, random_weights(random, dtype, n), n);
  }
}

// One scale in 32 is infinite or NaN, as many are subnormal.
TEST(Widen, EqualsDequantizeForAnyBytes) {
  std::mt19937 random(2);
  for (const DType dtype : {DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const std::int64_t n = std::int64_t{256} * dtype_info(dtype).block_elements;
    std::vector<std::uint8_t> bytes(
        static_cast<std::size_t>(dtype_bytes(dtype, static_cast<std::uint64_t>(n))));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    expect_same(dtype, bytes, n);
  }
}

TEST(Widen, EqualsDequantizeForEveryWord) {
  std::vector<std::uint8_t> bytes;
  for (int word = 0; word < 0x10000; ++word) {
    bytes.push_back(static_cast<std::uint8_t>(word & 0xff));
    bytes.push_back(static_cast<std::uint8_t>(word >> 8));
  }
  expect_same(DType::kF16, bytes, 0x10000);
  expect_same(DType::kBF16, bytes, 0x10000);
}

TEST(Widen, StopsWhereTheRowStops) {
  std::mt19937 random(3);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (std::int64_t n = 0; n < 10; ++n) {
      expect_same(dtype, random_weights(random, dtype, n), n);
    }
  }
}

}  // namespace
}  // namespace hearth::cpu
