// Random weights of every type, for tests, and for checking a GPU's kernels against the CPU's.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "quant/dequantize.h"

namespace hearth {

/// Random bytes of a weight type, its halves (scales, minimums) replaced by halves of sensible
/// size, as random ones would be NaN or span thirty orders of magnitude.
inline std::vector<std::uint8_t> random_weights(std::mt19937& random, DType dtype,
                                                std::int64_t elements) {
  std::uniform_real_distribution<float> scale(-0.02F, 0.02F);
  std::vector<std::uint8_t> out(
      static_cast<std::size_t>(dtype_bytes(dtype, static_cast<std::uint64_t>(elements))));
  const auto put_half = [&](std::size_t at) {
    const std::uint16_t half = f32_to_f16(scale(random));
    std::memcpy(out.data() + at, &half, sizeof half);
  };
  if (dtype == DType::kF32) {
    for (std::size_t at = 0; at < out.size(); at += 4) {
      const float x = scale(random);
      std::memcpy(out.data() + at, &x, sizeof x);
    }
    return out;
  }
  if (dtype == DType::kF16 || dtype == DType::kBF16) {
    for (std::size_t at = 0; at < out.size(); at += 2) {
      put_half(at);
      // The upper half of a float is its bfloat16; 0x3c00 on top keeps it near 0.01.
      if (dtype == DType::kBF16)
        out[at + 1] = static_cast<std::uint8_t>(0x3c | (out[at + 1] & 0x80));
    }
    return out;
  }
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random());
  const auto block = static_cast<std::size_t>(dtype_info(dtype).block_bytes);
  for (std::size_t at = 0; at < out.size(); at += block) {
    if (dtype == DType::kMXFP4) {  // an exponent: values up to 12 · 2^(119 − 128), which is 0.02
      out[at] = static_cast<std::uint8_t>(118 + random() % 2);
      continue;
    }
    if (dtype == DType::kQ2_K) put_half(at + block - 4);  // scale, then minimum, at the end
    if (!is_file_type(dtype)) {  // a zero among the codes: up to 15, or around 0
      const auto zero =
          static_cast<std::int16_t>(dtype == DType::kZ4 ? random() % 16 : random() % 256 - 128);
      std::memcpy(out.data() + at + 2, &zero, sizeof zero);
    }
    const bool last = dtype == DType::kQ6_K || dtype == DType::kQ3_K || dtype == DType::kQ2_K;
    put_half(last ? at + block - 2 : at);
    if (dtype == DType::kQ4_1 || dtype == DType::kQ5_1 || dtype == DType::kQ4_K ||
        dtype == DType::kQ5_K) {
      put_half(at + 2);
    }
  }
  return out;
}

}  // namespace hearth
