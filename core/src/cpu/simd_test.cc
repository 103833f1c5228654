// The vector layer: every form of the integer dot product gives the scalar's sums, halves convert
// exactly, and exp and sine keep the errors that math.h states.
#include "cpu/simd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cpu/activations.h"
#include "cpu/math.h"
#include "quant/dequantize.h"

namespace hearth::cpu {
namespace {

SplatActivations splat_bytes(const std::int8_t (&x)[4]) {
  Activation kept[4];
  for (int i = 0; i < 4; ++i) kept[kActivationOrder[i]] = x[i];
  return splat_activations(kept);
}

u8x16 repeat(const std::int8_t (&x)[4]) { return load_splat_word(x); }

TEST(Simd, DotEqualsScalarOnRandomBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::int8_t x[4];
    for (auto& q : x) q = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
    u8x16 w;
    for (int i = 0; i < 16; ++i) w[i] = static_cast<std::uint8_t>(random() % 128);
    const i32x4 start = {static_cast<int>(random() % 1000), -7, 0, 1 << 20};
    const i32x4 expected = dot_scalar(start, repeat(x), w);
    const i32x4 actual = dot(start, splat_bytes(x), weights_u7(w));
    for (int i = 0; i < 4; ++i) ASSERT_EQ(actual[i], expected[i]) << "round " << round;
  }
}

TEST(Simd, DotDoesNotSaturateAtTheExtremes) {
  for (const int sign : {-1, 1}) {
    const auto q = static_cast<std::int8_t>(127 * sign);
    const std::int8_t x[4] = {q, q, q, q};
    const u8x16 w = u8x16{} + 127;
    const i32x4 actual = dot(i32x4{}, splat_bytes(x), weights_u7(w));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(actual[i], 4 * 127 * 127 * sign);
  }
}

// Both forms whatever the machine prefers, at the largest sums that 4-bit weights can give.
TEST(Simd, PairSumsEqualWholeSums) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    PairSums pairs = {};
    i32x4 expected = {};
    for (int j = 0; j < 8; ++j) {
      std::int8_t x[4];
      for (auto& q : x) q = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
      if (round < 2) std::memset(x, round == 0 ? 127 : -127, sizeof x);
      u8x16 w = u8x16{} + 15;
      for (int i = 0; i < 16 && round >= 2; ++i) w[i] = static_cast<std::uint8_t>(random() % 16);
      pairs = dot_pairs(pairs, splat_bytes(x), weights_u7(w));
      expected = dot_scalar(expected, repeat(x), w);
    }
    const i32x4 actual = whole_sums(pairs);
    for (int i = 0; i < 4; ++i) ASSERT_EQ(actual[i], expected[i]) << "round " << round;
  }
}

TEST(Simd, HalvesOfEveryPatternConvertExactly) {
  for (std::uint32_t bits = 0; bits < 0x10000; bits += 4) {
    std::uint16_t halves[4];
    for (std::uint32_t i = 0; i < 4; ++i) halves[i] = static_cast<std::uint16_t>(bits + i);
    const f32x4 all = load_halves(halves);
    const f32x4 finite = load_finite_halves(halves);
    for (int i = 0; i < 4; ++i) {
      const float expected = f16_to_f32(halves[i]);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(all[i])) << halves[i];
        continue;
      }
      EXPECT_EQ(all[i], expected) << halves[i];
      EXPECT_EQ(std::signbit(all[i]), std::signbit(expected)) << halves[i];
      if (std::isfinite(expected)) EXPECT_EQ(finite[i], expected) << halves[i];
    }
  }
}

TEST(Simd, SumsAddsEachVector) {
  const f32x4 y = sums(f32x4{1, 2, 3, 4}, f32x4{10, 20, 30, 40}, splat(5), f32x4{-1, 1, -2, 2});
  EXPECT_EQ(y[0], 10);
  EXPECT_EQ(y[1], 100);
  EXPECT_EQ(y[2], 20);
  EXPECT_EQ(y[3], 0);
}

TEST(Math, ExpKeepsItsStatedError) {
  for (int i = -870000; i <= 883000; i += 37) {
    const float x = static_cast<float>(i) * 1e-4F;
    const double expected = std::exp(static_cast<double>(x));
    EXPECT_NEAR(exp(splat(x))[0] / expected, 1, 2e-7) << x;
  }
}

TEST(Math, ExpIsBoundedOutsideItsRange) {
  const f32x4 y = exp(f32x4{-1e30F, -INFINITY, 1e30F, INFINITY});
  for (int i = 0; i < 2; ++i) EXPECT_LT(y[i], 2e-38F);
  for (int i = 0; i < 2; ++i) EXPECT_GE(y[i], 0);
  for (int i = 2; i < 4; ++i) EXPECT_GT(y[i], 2e38F);
  for (int i = 2; i < 4; ++i) EXPECT_TRUE(std::isfinite(y[i]));
}

TEST(Math, SineAndCosineKeepTheirStatedError) {
  std::mt19937 random(2);
  for (int i = 0; i < 100000; ++i) {
    // Angles of every size up to 2^24, both signs.
    const float angle =
        std::ldexp(static_cast<float>(static_cast<int>(random() % 2000001) - 1000000) * 1e-6F,
                   static_cast<int>(random() % 25));
    float s = 0;
    float c = 0;
    sine_cosine(angle, s, c);
    ASSERT_NEAR(s, std::sin(static_cast<double>(angle)), 2e-7) << angle;
    ASSERT_NEAR(c, std::cos(static_cast<double>(angle)), 2e-7) << angle;
  }
}

TEST(RoundActivations, StaysWithinHalfAStep) {
  std::mt19937 random(3);
  constexpr std::int64_t kColumns = 96;
  std::normal_distribution<float> normal;
  std::vector<float> input(3 * kColumns);
  for (float& x : input) x = normal(random);
  for (int i = 0; i < kBlock; ++i) input[static_cast<std::size_t>(i)] = 0;  // an empty block
  std::vector<std::uint8_t> tile(3 * 3 * kActivationBlockBytes);
  round_activations(input.data(), kColumns, 0, 3, Correction::kOffset, 8, tile.data());
  constexpr std::int64_t kQuantBytes = kBlock * static_cast<std::int64_t>(sizeof(Activation));
  for (std::int64_t b = 0; b < 3; ++b) {
    const std::uint8_t* block = tile.data() + b * 3 * kActivationBlockBytes;
    for (std::int64_t t = 0; t < 3; ++t) {
      const float* x = input.data() + t * kColumns + b * kBlock;
      const auto scale = load<float>(block + 3 * kQuantBytes + t * 4);
      int total = 0;
      float peak = 0;
      for (std::int64_t k = 0; k < kBlock; ++k) {
        const std::int64_t kept = k / 4 * 4 + kActivationOrder[k % 4];
        const auto q = load<Activation>(block + t * kQuantBytes +
                                        kept * static_cast<std::int64_t>(sizeof(Activation)));
        total += q;
        peak = std::max(peak, std::abs(x[k]));
        // Half a step, and the rounding of x / scale: at most 127 · 2^-22 steps.
        EXPECT_LE(std::abs(x[k] - scale * q), scale * (0.5F + 127 * 0x1p-22F));
      }
      EXPECT_FLOAT_EQ(scale, peak / 127);
      EXPECT_EQ(load<std::int32_t>(block + 3 * kQuantBytes + 12 + t * 4), -8 * total);
    }
  }
}

}  // namespace
}  // namespace hearth::cpu
