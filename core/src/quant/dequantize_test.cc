#include "quant/dequantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <vector>

namespace hearth {
namespace {

struct Vector {
  DType dtype;
  std::string_view blocks;  // hexadecimal
  std::string_view floats;  // hexadecimal, little-endian
};

constexpr Vector kVectors[] = {
#include "quant/dequantize_vectors.inc"
};

std::vector<std::uint8_t> from_hex(std::string_view text) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return bytes;
}

// Bits of a float; every NaN alike, because IEEE leaves the bits of an operation's NaN open.
std::uint32_t comparable_bits(float value) {
  return std::isnan(value) ? 0x7FC00000 : std::bit_cast<std::uint32_t>(value);
}

TEST(Dequantize, EqualsThePythonPackageBitForBit) {
  std::set<DType> seen;
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(dtype_name(vector.dtype));
    seen.insert(vector.dtype);
    // One byte further on than allocated, so that nothing is aligned.
    std::vector<std::uint8_t> blocks = from_hex("00" + std::string(vector.blocks));
    const std::vector<std::uint8_t> expected = from_hex(vector.floats);
    std::vector<float> out(expected.size() / sizeof(float));
    ASSERT_GE(out.size(), 32u);
    dequantize(vector.dtype, Bytes(blocks).subspan(1), out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      ASSERT_EQ(comparable_bits(out[i]),
                comparable_bits(load_le<float>(expected.data() + i * sizeof(float))))
          << "element " << i;
    }
  }
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    // The types that are in no file are held against their checkpoints (quant/assemble_test.cc).
    if (!is_file_type(dtype)) continue;
    EXPECT_EQ(can_dequantize(dtype), seen.contains(dtype)) << i;
  }
}

TEST(Dequantize, OfNothingWritesNothing) {
  dequantize(DType::kQ4_K, {}, {});
  dequantize(DType::kF32, {}, {});
}

// Halves by their definition, in doubles.
double half_value(std::uint32_t half) {
  const int exponent = half >> 10 & 0x1F;
  const double fraction = half & 0x3FF;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, EveryPatternRoundTrips) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const float value = f16_to_f32(static_cast<std::uint16_t>(half));
    const bool special = (half & 0x7C00) == 0x7C00;
    const bool nan = special && (half & 0x3FF) != 0;
    ASSERT_EQ(std::isnan(value), nan) << half;
    ASSERT_EQ(std::signbit(value), (half & 0x8000) != 0) << half;
    if (special && !nan) {
      ASSERT_TRUE(std::isinf(value)) << half;
    } else if (!nan) {
      ASSERT_EQ(static_cast<double>(value), half_value(half)) << half;
    }
    // A NaN comes back quiet, with the rest of its payload.
    ASSERT_EQ(f32_to_f16(value), nan ? half | 0x200 : half) << half;
  }
}

TEST(Half, RoundsToNearestAndTiesToEven) {
  // Between each finite half and the next: the middle goes to the even one, its neighbours to
  // theirs. The next after the largest is 65536, written as infinity.
  for (std::uint32_t half = 0; half < 0x7C00; ++half) {
    const std::uint32_t next = half + 1;
    const double above = next == 0x7C00 ? 65536.0 : half_value(next);
    const auto middle = static_cast<float>((half_value(half) + above) / 2);  // exact: 12 bits
    const std::uint32_t even = half % 2 == 0 ? half : next;
    const float infinity = std::numeric_limits<float>::infinity();
    ASSERT_EQ(f32_to_f16(middle), even) << half;
    ASSERT_EQ(f32_to_f16(-middle), even | 0x8000) << half;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0F)), half) << half;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, infinity)), next) << half;
  }
}

TEST(Half, OverflowsToInfinityAndUnderflowsToZero) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::max()), 0x7C00);
  EXPECT_EQ(f32_to_f16(-infinity), 0xFC00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(f32_to_f16(-std::numeric_limits<float>::denorm_min()), 0x8000);
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(Bf16, IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(bf16_to_f32(0x3F80), 1.0F);
  EXPECT_EQ(bf16_to_f32(0xC0A0), -5.0F);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(bf16_to_f32(0x0001)), 0x00010000U);
  EXPECT_TRUE(std::isnan(bf16_to_f32(0x7FC0)));
}

}  // namespace
}  // namespace hearth
