// The elementwise kernels against their references.
#include <gtest/gtest.h>

#include <cmath>

#include "cpu/test_support.h"

namespace hearth::cpu {
namespace {

using testing::random_floats;

struct NormShape {
  std::int64_t groups, width, tokens;
};

/// A norm on rows that lie apart, in place, against its reference within `bound(expected)`.
template <typename Fast, typename Slow, typename Bound>
void expect_norm(const NormShape& shape, NormArgs args, const Fast& fast, const Slow& slow,
                 const Bound& bound) {
  std::mt19937 random(1);
  const std::int64_t stride = shape.groups * shape.width + 3;
  std::vector<float> x = random_floats(random, shape.tokens * stride, 3);
  const std::vector<float> weight = random_floats(random, shape.width);
  const std::vector<float> bias = random_floats(random, shape.width);
  std::vector<float> expected = x;
  args.input_stride = args.output_stride = stride;
  args.weight = weight.data();
  if (args.bias != nullptr) args.bias = bias.data();
  args.tokens = shape.tokens;
  args.groups = shape.groups;
  args.width = shape.width;
  args.input = args.output = expected.data();
  slow(args);
  args.input = args.output = x.data();
  fast(args);
  for (std::size_t i = 0; i < x.size(); ++i) {
    // What lies between the rows is left alone: its bound is zero.
    const bool inside = static_cast<std::int64_t>(i) % stride < shape.groups * shape.width;
    ASSERT_NEAR(x[i], expected[i], inside ? bound(expected[i]) : 0) << i << " of " << shape.width;
  }
}

constexpr NormShape kNormShapes[] = {{1, 1, 1},   {1, 3, 2},   {2, 4, 31},  {5, 20, 2},
                                     {1, 33, 31}, {3, 576, 2}, {1, 1537, 1}};

TEST(RmsNorm, MatchesReference) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const NormShape& shape : kNormShapes) {
      for (const float offset : {0.0F, 1.0F}) {
        // The sum of squares has only positive terms: 16 lanes of width / 16 additions lose at most
        // (width / 16 + 16) · 2^-24 of it, its root half of that; five more operations each 2^-24,
        // and the sum of weight and offset, up to 6, loses 2^-24 of itself: of a value up to
        // √width.
        const double width = static_cast<double>(shape.width);
        expect_norm(
            shape, {.epsilon = 1e-5F, .weight_offset = offset},
            [&](const NormArgs& args) { rms_norm(args, pool); },
            [](const NormArgs& args) { reference::rms_norm(args); },
            [&](float expected) {
              return std::abs(expected) * (width / 32 + 17) * 0x1p-24 +
                     offset * std::sqrt(width) * 6 * 0x1p-24;
            });
      }
    }
  }
}

TEST(RmsNorm, EpsilonKeepsZerosZero) {
  ThreadPool pool(1);
  std::vector<float> x(8);
  const std::vector<float> weight(8, 2.0F);
  rms_norm({.input = x.data(),
            .input_stride = 8,
            .weight = weight.data(),
            .output = x.data(),
            .output_stride = 8,
            .tokens = 1,
            .width = 8,
            .epsilon = 1e-6F},
           pool);
  EXPECT_EQ(x, std::vector<float>(8));
}

TEST(LayerNorm, MatchesReferenceWithAndWithoutBias) {
  ThreadPool pool(2);
  const float present = 0;
  for (const NormShape& shape : kNormShapes) {
    for (const float* bias : {static_cast<const float*>(nullptr), &present}) {
      // A mean of width terms below 15 errs by (width / 4 + 4) · 2^-24 · 15 at most, and so does
      // each difference from it; the factor grows that by up to 1 / √epsilon for rows of one value,
      // by about 1 / 3 otherwise (the spread is 3), with 1 to spare; the weight by up to 5. The
      // variance errs like rms_norm's sum.
      const double width = static_cast<double>(shape.width);
      const double factor = shape.width == 1 ? 316 : shape.width < 20 ? 10 : 1;
      const double mean_error = (width / 4 + 4) * 0x1p-24 * 15 * factor * 5;
      expect_norm(
          shape, {.bias = bias, .epsilon = 1e-5F},
          [&](const NormArgs& args) { layer_norm(args, pool); },
          [](const NormArgs& args) { reference::layer_norm(args); },
          [&](float expected) {
            return mean_error + (std::abs(expected) + 5) * (width / 8 + 16) * 0x1p-24;
          });
    }
  }
}

struct RopeShape {
  std::int64_t head_size, rotary_size;
};

TEST(Rope, MatchesReferenceInBothPairings) {
  std::mt19937 random(2);
  ThreadPool pool(2);
  for (const bool interleaved : {false, true}) {
    for (const RopeShape shape : {RopeShape{64, 64}, {80, 32}, {20, 10}, {6, 6}, {256, 256}}) {
      for (const std::int64_t position : {0, 1, 4095, 131000}) {
        constexpr std::int64_t kTokens = 3;
        constexpr std::int64_t kHeads = 5;
        const std::int64_t stride = kHeads * shape.head_size + 7;
        std::vector<float> frequencies;
        for (std::int64_t i = 0; i < shape.rotary_size / 2; ++i) {
          frequencies.push_back(static_cast<float>(std::pow(
              10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(shape.rotary_size))));
        }
        std::vector<float> divisors = random_floats(random, shape.rotary_size / 2);
        for (float& each : divisors) each = 1 + std::abs(each);
        std::vector<float> fast = random_floats(random, kTokens * stride);
        const std::vector<float> before = fast;
        std::vector<float> slow = fast;
        RopeArgs args = {.tokens = kTokens,
                         .stride = stride,
                         .heads = kHeads,
                         .head_size = shape.head_size,
                         .rotary_size = shape.rotary_size,
                         .frequencies = frequencies.data(),
                         .divisors = interleaved ? divisors.data() : nullptr,
                         .scale = 1.25F,
                         .position = position,
                         .interleaved = interleaved};
        args.data = fast.data();
        rope(args, pool);
        args.data = slow.data();
        reference::rope(args);
        for (std::size_t i = 0; i < fast.size(); ++i) {
          // Values up to 5 or so in pairs: sine and cosine within 2e-7, three roundings of 2^-24.
          ASSERT_NEAR(fast[i], slow[i], 1.25 * 2 * 5 * (2e-7 + 3 * 0x1p-24)) << i;
          // What is not part of a rotated pair is not touched.
          const auto in_row = static_cast<std::int64_t>(i) % stride;
          if (in_row >= kHeads * shape.head_size || in_row % shape.head_size >= shape.rotary_size) {
            ASSERT_EQ(fast[i], before[i]);
          }
        }
      }
    }
  }
}

TEST(Glu, SiluMatchesReference) {
  constexpr auto kSilu = graph::Activation::kSilu;
  std::mt19937 random(3);
  ThreadPool pool(2);
  for (const std::int64_t width : {1, 4, 7, 1536, 9000}) {
    std::vector<float> input = random_floats(random, 3 * 2 * width, 4);
    input[0] = -200;  // beyond the range of exp
    std::vector<float> fast(static_cast<std::size_t>(3 * width));
    std::vector<float> slow(fast.size());
    glu(kSilu, input.data(), input.data() + width, 2 * width, fast.data(), 3, width, pool);
    reference::glu(kSilu, input.data(), input.data() + width, 2 * width, slow.data(), 3, width);
    for (std::size_t i = 0; i < fast.size(); ++i) {
      // exp within 2e-7 of its value, then an addition, a division and a product; 1e-30 for gates
      // below -88, where exp is held at its largest.
      ASSERT_NEAR(fast[i], slow[i], std::abs(slow[i]) * (2e-7 + 4 * 0x1p-24) + 1e-30) << i;
    }
  }
}

TEST(Glu, GeluMatchesReference) {
  constexpr auto kGelu = graph::Activation::kGeluTanh;
  std::mt19937 random(6);
  ThreadPool pool(2);
  for (const std::int64_t width : {1, 4, 7, 9000}) {
    std::vector<float> input = random_floats(random, 3 * 2 * width, 4);
    input[0] = -30;  // its cube is beyond the range of exp
    std::vector<float> fast(static_cast<std::size_t>(3 * width));
    std::vector<float> slow(fast.size());
    glu(kGelu, input.data(), input.data() + width, 2 * width, fast.data(), 3, width, pool);
    reference::glu(kGelu, input.data(), input.data() + width, 2 * width, slow.data(), 3, width);
    for (std::size_t i = 0; i < fast.size(); ++i) {
      const std::size_t at = i / static_cast<std::size_t>(width) * static_cast<std::size_t>(width);
      const double gate = input[i + at];
      const double up = input[i + at + static_cast<std::size_t>(width)];
      // The exponent is below 1.6 |x| + 0.072 |x|³ and errs by five roundings, which the value's
      // relative error follows; |x| times the sigmoid is at most |x|. exp adds 2e-7, and where it
      // is held at its largest the value is below 1e-30.
      const double exponent = 1.6 * std::abs(gate) + 0.072 * std::abs(gate * gate * gate);
      const double relative = 5 * 0x1p-24 * exponent + 2e-7 + 4 * 0x1p-24;
      // The reference's own 1 + tanh(u) loses 2^-53 of one.
      const double bound = std::abs(slow[i]) * relative + std::abs(gate * up) * 0x1p-52 + 1e-30;
      ASSERT_NEAR(fast[i], slow[i], bound) << gate;
    }
  }
}

TEST(Activate, MatchesReference) {
  std::mt19937 random(9);
  ThreadPool pool(2);
  for (const auto activation : {graph::Activation::kSilu, graph::Activation::kGeluTanh,
                                graph::Activation::kGelu, graph::Activation::kRelu}) {
    for (const std::int64_t n : {1, 6, 40000}) {
      std::vector<float> x = random_floats(random, n, 4);
      x[0] = -30;
      std::vector<float> slow(x.size());
      reference::activate(activation, x.data(), slow.data(), n);
      const std::vector<float> before = x;
      activate(activation, x.data(), x.data(), n, pool);
      for (std::size_t i = 0; i < x.size(); ++i) {
        // math.h gives 8e-8 · |x| for the approximation of erf, which is the coarsest; a handful of
        // roundings and exp's 2e-7 come to every one.
        ASSERT_NEAR(x[i], slow[i], std::abs(before[i]) * (8e-8 + 2e-7 + 8 * 0x1p-24)) << before[i];
      }
    }
    float nan = std::numeric_limits<float>::quiet_NaN();
    activate(activation, &nan, &nan, 1, pool);
    EXPECT_TRUE(std::isnan(nan));
  }
}

TEST(Scale, MultipliesAndMayAlias) {
  std::mt19937 random(7);
  ThreadPool pool(2);
  for (const std::int64_t n : {1, 6, 40000}) {
    std::vector<float> x = random_floats(random, n);
    std::vector<float> expected = x;
    for (float& each : expected) each *= 0.3F;
    scale(x.data(), 0.3F, x.data(), n, pool);
    EXPECT_EQ(x, expected);
  }
}

TEST(SoftCap, BoundsLikeTanh) {
  std::mt19937 random(8);
  ThreadPool pool(2);
  for (const std::int64_t n : {1, 6, 40000}) {
    std::vector<float> x = random_floats(random, n, 60);
    x[0] = 1e6F;
    const std::vector<float> before = x;
    soft_cap(x.data(), 30, x.data(), n, pool);
    for (std::size_t i = 0; i < x.size(); ++i) {
      // math.h's tanh is within 4e-7, and the quotient's rounding moves it by 2^-24 · |q| · (1 −
      // tanh²(q)), at most 0.5 · 2^-24.
      ASSERT_NEAR(x[i], 30 * std::tanh(static_cast<double>(before[i]) / 30), 30 * (4e-7 + 0x1p-24));
      ASSERT_LE(std::abs(x[i]), 30);
    }
  }
}

TEST(Add, AddsAndMayAlias) {
  std::mt19937 random(4);
  ThreadPool pool(2);
  for (const std::int64_t n : {1, 5, 40000}) {
    std::vector<float> a = random_floats(random, n);
    const std::vector<float> b = random_floats(random, n);
    std::vector<float> expected = a;
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] += b[i];
    add(a.data(), b.data(), a.data(), n, pool);
    EXPECT_EQ(a, expected);
  }
}

TEST(StoreKv, PutsEachHeadInItsPlane) {
  ThreadPool pool(2);
  constexpr std::int64_t kTokens = 3, kHeads = 2, kSize = 5, kCapacity = 9, kStride = 13;
  std::mt19937 random(5);
  const std::vector<float> input = random_floats(random, kTokens * kStride);
  std::vector<float> cache(kHeads * kCapacity * kSize, -1);
  store_kv(input.data(), kStride, cache.data(), kTokens, 4, kHeads, kSize, kCapacity, pool);
  for (std::int64_t h = 0; h < kHeads; ++h) {
    for (std::int64_t p = 0; p < kCapacity; ++p) {
      for (std::int64_t i = 0; i < kSize; ++i) {
        const bool stored = p >= 4 && p < 4 + kTokens;
        const float expected =
            stored ? input[static_cast<std::size_t>((p - 4) * kStride + h * kSize + i)] : -1;
        EXPECT_EQ(cache[static_cast<std::size_t>((h * kCapacity + p) * kSize + i)], expected);
      }
    }
  }
}

TEST(GatherColumns, TakesEachColumnFromItsPlace) {
  std::mt19937 random(9);
  constexpr std::int64_t kTokens = 5, kWidth = 37, kStride = 41;
  const std::vector<float> input = random_floats(random, kTokens * kStride);
  std::vector<std::uint32_t> order(kWidth);
  for (std::uint32_t& column : order) column = static_cast<std::uint32_t>(random() % kWidth);
  std::vector<float> output(kTokens * kWidth);
  ThreadPool pool(2);
  gather_columns(input.data(), kStride, order.data(), output.data(), kTokens, kWidth, pool);
  for (std::size_t i = 0; i < output.size(); ++i) {
    const std::size_t token = i / kWidth, column = i % kWidth;
    ASSERT_EQ(output[i], input[token * kStride + order[column]]) << i;
  }
}

}  // namespace
}  // namespace hearth::cpu
