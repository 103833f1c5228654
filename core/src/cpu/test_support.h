// What the kernels' tests share: random buffers, random weights of every type, and bounds.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "cpu/kernels.h"
#include "quant/dequantize.h"
#include "quant/random_weights.h"

namespace hearth::cpu::testing {

inline std::vector<float> random_floats(std::mt19937& random, std::int64_t n, float spread = 1) {
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> out(static_cast<std::size_t>(n));
  for (float& x : out) x = normal(random);
  return out;
}

inline std::vector<float> dequantized(DType dtype, const std::vector<std::uint8_t>& bytes,
                                      std::int64_t elements) {
  std::vector<float> out(static_cast<std::size_t>(elements));
  dequantize(dtype, bytes, out);
  return out;
}

}  // namespace hearth::cpu::testing
