// linear(), packing and embed(), against the reference and against integers.
#include <gtest/gtest.h>

#include <cmath>

#include "cpu/packing.h"
#include "cpu/test_support.h"

namespace hearth::cpu {
namespace {

using hearth::random_weights;
using testing::dequantized;
using testing::random_floats;

constexpr DType kPacked[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                             DType::kQ8_0, DType::kZ4,   DType::kZ8};
constexpr DType kAll[] = {DType::kF32,   DType::kF16,  DType::kBF16, DType::kQ4_0,   DType::kQ4_1,
                          DType::kQ5_0,  DType::kQ5_1, DType::kQ8_0, DType::kQ2_K,   DType::kQ3_K,
                          DType::kQ4_K,  DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS,
                          DType::kMXFP4, DType::kZ4,   DType::kZ8};

// A weight matrix with its values, its own input, and aligned scratch.
struct Case {
  DType dtype;
  std::int64_t rows, columns, tokens;
  std::vector<std::uint8_t> bytes;
  std::vector<float> values, input, bias, residual;
  std::vector<std::uint8_t> scratch;

  Case(std::mt19937& random, DType type, std::int64_t r, std::int64_t c, std::int64_t t)
      : dtype(type), rows(r), columns(c), tokens(t) {
    bytes = random_weights(random, type, r * c);
    values = dequantized(type, bytes, r * c);
    input = random_floats(random, t * c);
    bias = random_floats(random, r);
    residual = random_floats(random, t * r);
    scratch.resize(linear_scratch_bytes(t, c) + 64);
  }

  LinearArgs args(Layout layout, const std::uint8_t* data, float* output) {
    LinearArgs out;
    out.weight = {dtype, layout, rows, columns, data};
    out.input = input.data();
    out.output = output;
    out.tokens = tokens;
    out.scratch = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64);
    return out;
  }

  // What output (t, r) may differ by from the reference. Float sums: each of n additions in any
  // order loses at most 2^-24 of a partial sum, which Σ|w·x| bounds; n·2^-24 of that bound is never
  // reached by sums in lanes, but is sure. Rounding: each activation is off by half a step of its
  // block, and products with −d·offset or m, which are of the size of the weights', cancel in
  // float.
  double bound(std::int64_t t, std::int64_t r, bool rounded) const {
    double magnitude = 1e-6;
    double steps = 0;
    for (std::int64_t k = 0; k < columns; k += 32) {
      double peak = 0;
      double weights = 0;
      const std::int64_t end = std::min(columns, k + 32);
      for (std::int64_t i = k; i < end; ++i) {
        const double x = input[static_cast<std::size_t>(t * columns + i)];
        const double w = values[static_cast<std::size_t>(r * columns + i)];
        peak = std::max(peak, std::abs(x));
        weights += std::abs(w);
        magnitude += std::abs(w * x);
      }
      steps += weights * peak / 127 / 2;
      // Two terms of a block with a minimum may each be as large as its largest weight times 32
      // inputs.
      if (rounded) magnitude += 2 * 32 * peak * 0.7;
    }
    magnitude += std::abs(bias[static_cast<std::size_t>(r)]) +
                 std::abs(residual[static_cast<std::size_t>(t * rows + r)]);
    return magnitude * static_cast<double>(columns + 2) * 0x1p-24 + (rounded ? steps * 1.0001 : 0);
  }

  void expect_near(const std::vector<float>& actual, const std::vector<float>& expected,
                   bool rounded) const {
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t r = 0; r < rows; ++r) {
        const auto at = static_cast<std::size_t>(t * rows + r);
        ASSERT_NEAR(actual[at], expected[at], bound(t, r, rounded))
            << dtype_name(dtype) << " (" << rows << ", " << columns << ") token " << t << " of "
            << tokens << " row " << r;
      }
    }
  }

  std::vector<float> output() const {
    return std::vector<float>(static_cast<std::size_t>(tokens * rows), NAN);
  }
};

TEST(Linear, PlainMatchesReference) {
  std::mt19937 random(1);
  ThreadPool pool(2);
  for (const DType dtype : kAll) {
    const std::int64_t block = dtype_info(dtype).block_elements;
    for (const std::int64_t columns : {block, 3 * block, std::int64_t{1536}}) {
      for (const std::int64_t rows : {1, 3, 4, 5, 8}) {
        for (const std::int64_t tokens : {1, 2, 3, 5}) {
          Case test(random, dtype, rows, columns, tokens);
          auto expected = test.output();
          auto actual = test.output();
          reference::linear(test.args(Layout::kPlain, test.bytes.data(), expected.data()));
          LinearArgs args = test.args(Layout::kPlain, test.bytes.data(), actual.data());
          args.exact = true;
          args.scratch = nullptr;
          linear(args, pool);
          test.expect_near(actual, expected, false);
        }
      }
    }
  }
}

TEST(Linear, PlainHandlesColumnsThatFillNoVector) {
  std::mt19937 random(2);
  ThreadPool pool(1);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const std::int64_t columns : {1, 2, 3, 5, 30, 1025, 1027}) {
      Case test(random, dtype, 5, columns, 3);
      auto expected = test.output();
      auto actual = test.output();
      reference::linear(test.args(Layout::kPlain, test.bytes.data(), expected.data()));
      linear(test.args(Layout::kPlain, test.bytes.data(), actual.data()), pool);
      test.expect_near(actual, expected, false);
    }
  }
}

TEST(Linear, PackedMatchesReference) {
  std::mt19937 random(3);
  ThreadPool pool(2);
  for (const DType dtype : kPacked) {
    for (const std::int64_t columns : {32, 64, 96, 576, 1536}) {
      for (const std::int64_t rows : {4, 8, 12, 64}) {
        for (const std::int64_t tokens : {1, 2, 3, 4, 5, 7, 8, 9, 17, 33}) {
          if (rows * columns * tokens > 64 * 576 * 9) continue;  // sanitized builds are slow
          Case test(random, dtype, rows, columns, tokens);
          auto expected = test.output();
          auto actual = test.output();
          LinearArgs args = test.args(Layout::kPlain, test.bytes.data(), expected.data());
          args.bias = test.bias.data();
          args.residual = test.residual.data();
          reference::linear(args);
          pack_in_place(dtype, Layout::kRows4, rows, columns, test.bytes.data());
          args.weight.layout = Layout::kRows4;
          args.output = actual.data();
          linear(args, pool);
          test.expect_near(actual, expected, true);
        }
      }
    }
  }
}

// With scales of one and activations that are whole numbers up to 127, every product and sum is a
// whole number below 2^24, so the kernel must be right to the bit, whatever instructions it uses.
TEST(Linear, IntegersAreExact) {
  std::mt19937 random(4);
  ThreadPool pool(1);
  for (const DType dtype : kPacked) {
    for (const std::int64_t tokens : {1, 2, 3, 4, 6}) {
      Case test(random, dtype, 12, 96, tokens);
      const auto block = static_cast<std::size_t>(dtype_info(dtype).block_bytes);
      for (std::size_t at = 0; at < test.bytes.size(); at += block) {
        const std::uint16_t one = 0x3c00;
        std::memcpy(test.bytes.data() + at, &one, 2);
        if (dtype == DType::kQ4_1 || dtype == DType::kQ5_1) {
          const std::uint16_t minus_eleven = 0xc980;
          std::memcpy(test.bytes.data() + at + 2, &minus_eleven, 2);
        }
        // Bytes of −128 and 127 among the quants, the ends of the range.
        test.bytes[at + block - 1] = 0x80;
        test.bytes[at + block - 2] = 0x7f;
      }
      for (std::size_t i = 0; i < test.input.size(); ++i) {
        test.input[i] = static_cast<float>(static_cast<int>(random() % 255) - 127);
        if (i % 32 == 5) test.input[i] = 127;  // makes the block's scale one
        if (i % 32 == 31) test.input[i] = -127;
      }
      auto expected = test.output();
      auto actual = test.output();
      reference::linear(test.args(Layout::kPlain, test.bytes.data(), expected.data()));
      pack_in_place(dtype, Layout::kRows4, 12, 96, test.bytes.data());
      linear(test.args(Layout::kRows4, test.bytes.data(), actual.data()), pool);
      EXPECT_EQ(actual, expected) << dtype_name(dtype) << " tokens " << tokens;
    }
  }
}

// A prompt must not depend on how it is cut into passes.
TEST(Linear, ATokenAloneEqualsATokenAmongOthers) {
  std::mt19937 random(5);
  ThreadPool pool(1);
  for (const DType dtype : kPacked) {
    Case test(random, dtype, 16, 192, 7);
    pack_in_place(dtype, Layout::kRows4, 16, 192, test.bytes.data());
    auto together = test.output();
    auto alone = test.output();
    linear(test.args(Layout::kRows4, test.bytes.data(), together.data()), pool);
    for (std::int64_t t = 0; t < 7; ++t) {
      LinearArgs args = test.args(Layout::kRows4, test.bytes.data(), alone.data() + t * 16);
      args.input += t * 192;
      args.tokens = 1;
      linear(args, pool);
    }
    EXPECT_EQ(together, alone) << dtype_name(dtype);
  }
}

TEST(Linear, ResidualMayBeTheOutput) {
  std::mt19937 random(6);
  ThreadPool pool(1);
  for (const DType dtype : {DType::kF32, DType::kQ4_1}) {
    Case test(random, dtype, 8, 2048, 3);  // two strips of the plain kernel
    const Layout layout = preferred_layout(dtype, 8, 2048, false);
    pack_in_place(dtype, layout, 8, 2048, test.bytes.data());
    auto apart = test.output();
    LinearArgs args = test.args(layout, test.bytes.data(), apart.data());
    args.bias = test.bias.data();
    args.residual = test.residual.data();
    linear(args, pool);
    args.output = test.residual.data();
    linear(args, pool);
    EXPECT_EQ(test.residual, apart) << dtype_name(dtype);
  }
}

TEST(Packing, PrefersRows4WhereItCan) {
  EXPECT_EQ(preferred_layout(DType::kQ4_1, 8, 64, false), Layout::kRows4);
  EXPECT_EQ(preferred_layout(DType::kQ8_0, 8, 64, false), Layout::kRows4);
  EXPECT_EQ(preferred_layout(DType::kQ4_1, 6, 64, false), Layout::kPlain);
  EXPECT_EQ(preferred_layout(DType::kQ4_1, 8, 64, true), Layout::kPlain);
  EXPECT_EQ(preferred_layout(DType::kF16, 8, 64, false), Layout::kPlain);
  EXPECT_EQ(preferred_layout(DType::kQ4_K, 8, 256, false), Layout::kPlain);
}

TEST(Packing, UnpackRestoresEveryByte) {
  std::mt19937 random(7);
  for (const DType dtype : kPacked) {
    const auto block = static_cast<std::size_t>(dtype_info(dtype).block_bytes);
    std::vector<std::uint8_t> plain(12 * 3 * block);  // (row, block) of 12 rows by 96 columns
    for (auto& byte : plain) byte = static_cast<std::uint8_t>(random());
    std::vector<std::uint8_t> packed = plain;
    pack_in_place(dtype, Layout::kRows4, 12, 96, packed.data());
    EXPECT_NE(packed, plain);
    std::vector<std::uint8_t> restored(plain.size());
    for (std::size_t i = 0; i < 9; ++i) {  // blocks of four rows: (group, block)
      unpack_block(dtype, packed.data() + i * 4 * block,
                   restored.data() + (i / 3 * 12 + i % 3) * block, 3 * block);
    }
    EXPECT_EQ(restored, plain) << dtype_name(dtype);
  }
}

TEST(Embed, ReadsBothLayouts) {
  std::mt19937 random(8);
  ThreadPool pool(2);
  for (const DType dtype : kAll) {
    const std::int64_t columns = 2 * std::max(48, dtype_info(dtype).block_elements);
    std::vector<std::uint8_t> bytes = random_weights(random, dtype, 8 * columns);
    const std::vector<float> values = dequantized(dtype, bytes, 8 * columns);
    const std::uint32_t ids[] = {7, 0, 3, 3, 5};
    for (const Layout layout : {Layout::kPlain, preferred_layout(dtype, 8, columns, false)}) {
      pack_in_place(dtype, layout, 8, columns, bytes.data());
      std::vector<float> out(static_cast<std::size_t>(5 * columns));
      std::vector<float> slow(out.size());
      embed({dtype, layout, 8, columns, bytes.data()}, ids, out.data(), pool);
      reference::embed({dtype, layout, 8, columns, bytes.data()}, ids, slow.data());
      EXPECT_EQ(out, slow) << dtype_name(dtype);
      for (std::size_t t = 0; t < 5; ++t) {
        for (std::int64_t i = 0; i < columns; ++i) {
          ASSERT_EQ(out[t * static_cast<std::size_t>(columns) + static_cast<std::size_t>(i)],
                    values[static_cast<std::size_t>(ids[t] * columns + i)])
              << dtype_name(dtype);
        }
      }
    }
  }
}

}  // namespace
}  // namespace hearth::cpu
