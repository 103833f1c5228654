// The elementwise kernels against their references.
#include <gtest/gtest.h>

#include <cmath>

#include "cpu/test_support.h"

namespace hearth::cpu {
namespace {

using testing::random_floats;

TEST(RmsNorm, MatchesReference) {
  std::mt19937 random(1);
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const std::int64_t width : {1, 3, 4, 20, 33, 576, 1537}) {
      for (const std::int64_t tokens : {1, 2, 31}) {
        std::vector<float> x = random_floats(random, tokens * width, 3);
        const std::vector<float> weight = random_floats(random, width);
        std::vector<float> expected(x.size());
        reference::rms_norm(x.data(), weight.data(), expected.data(), tokens, width, 1e-5F);
        rms_norm(x.data(), weight.data(), x.data(), tokens, width, 1e-5F, pool);
        // The sum of squares has only positive terms: 16 lanes of width / 16 additions lose at most
        // (width / 16 + 16) · 2^-24 of it, its root half of that; four more operations each 2^-24.
        const double relative = (static_cast<double>(width) / 32 + 16) * 0x1p-24;
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_NEAR(x[i], expected[i], std::abs(expected[i]) * relative) << width;
        }
      }
    }
  }
}

TEST(RmsNorm, EpsilonKeepsZerosZero) {
  ThreadPool pool(1);
  std::vector<float> x(8);
  const std::vector<float> weight(8, 2.0F);
  rms_norm(x.data(), weight.data(), x.data(), 1, 8, 1e-6F, pool);
  EXPECT_EQ(x, std::vector<float>(8));
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
        std::vector<float> fast = random_floats(random, kTokens * stride);
        const std::vector<float> before = fast;
        std::vector<float> slow = fast;
        RopeArgs args = {.tokens = kTokens,
                         .stride = stride,
                         .heads = kHeads,
                         .head_size = shape.head_size,
                         .rotary_size = shape.rotary_size,
                         .frequencies = frequencies.data(),
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

TEST(Swiglu, MatchesReference) {
  std::mt19937 random(3);
  ThreadPool pool(2);
  for (const std::int64_t width : {1, 4, 7, 1536, 9000}) {
    std::vector<float> input = random_floats(random, 3 * 2 * width, 4);
    input[0] = -200;  // beyond the range of exp
    std::vector<float> fast(static_cast<std::size_t>(3 * width));
    std::vector<float> slow(fast.size());
    swiglu(input.data(), input.data() + width, 2 * width, fast.data(), 3, width, pool);
    reference::swiglu(input.data(), input.data() + width, 2 * width, slow.data(), 3, width);
    for (std::size_t i = 0; i < fast.size(); ++i) {
      // exp within 2e-7 of its value, then an addition, a division and a product; 1e-30 for gates
      // below -88, where exp is held at its largest.
      ASSERT_NEAR(fast[i], slow[i], std::abs(slow[i]) * (2e-7 + 4 * 0x1p-24) + 1e-30) << i;
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

}  // namespace
}  // namespace hearth::cpu
