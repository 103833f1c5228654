// Rounding of activations to 8 bits.
#include "cpu/activations.h"

#include <algorithm>

namespace hearth::cpu {
namespace {

// One block of 32. Returns the sum of the quants.
std::int32_t round_block(const float* input, Activation* quants, float& scale) {
  f32x4 x[8];
  f32x4 largest = splat(0);
  HEARTH_UNROLL
  for (int i = 0; i < 8; ++i) {
    x[i] = load<f32x4>(input + 4 * i);
    largest = max(largest, abs(x[i]));
  }
  const float peak = std::max(std::max(largest[0], largest[1]), std::max(largest[2], largest[3]));
  // Below this 127 / peak is infinite; such a block is zero for any weight that a float can hold.
  constexpr float kTiny = 1e-36F;
  scale = peak < kTiny ? 0 : peak / 127.0F;
  const f32x4 inverse = splat(peak < kTiny ? 0 : 127.0F / peak);
  // 1.5 · 2^23 rounds to nearest even and leaves the integer in the low bits.
  constexpr float kRound = 12582912.0F;
  i32x4 total = {};
  HEARTH_UNROLL
  for (int i = 0; i < 8; ++i) {
    const f32x4 shifted = x[i] * inverse + splat(kRound);
    const i32x4 q = reinterpret_cast<i32x4>(shifted) - 0x4b400000;
    total += q;
    using ActivationX4 = Activation __attribute__((vector_size(4 * sizeof(Activation))));
    const i32x4 ordered = HEARTH_ACTIVATION_WORDS ? __builtin_shufflevector(q, q, 0, 2, 1, 3) : q;
    store(quants + 4 * i, __builtin_convertvector(ordered, ActivationX4));
  }
  return (total[0] + total[1]) + (total[2] + total[3]);
}

}  // namespace

void round_activations(const float* input, std::int64_t columns, std::int64_t first,
                       std::int64_t count, Correction correction, int offset, std::uint8_t* tile) {
  const std::int64_t blocks = columns / kBlock;
  constexpr std::int64_t kQuantBytes = kBlock * static_cast<std::int64_t>(sizeof(Activation));
  for (std::int64_t t = 0; t < count; ++t) {
    const float* row = input + (first + t) * columns;
    for (std::int64_t b = 0; b < blocks; ++b) {
      std::uint8_t* block = tile + b * count * kActivationBlockBytes;
      float scale = 0;
      const std::int32_t total = round_block(
          row + b * kBlock, reinterpret_cast<Activation*>(block + t * kQuantBytes), scale);
      std::uint8_t* scales = block + count * kQuantBytes;
      std::uint8_t* corrections = scales + count * 4;
      store(scales + t * 4, scale);
      if (correction == Correction::kMinimum) {
        store(corrections + t * 4, scale * static_cast<float>(total));
      } else {
        store(corrections + t * 4, -offset * total);
      }
    }
  }
}

}  // namespace hearth::cpu
