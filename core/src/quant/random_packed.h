// Random matrices as GPTQ and AWQ checkpoints have them, for tests, and for checking a GPU's
// kernels against the CPU's.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "quant/assemble.h"
#include "quant/random_weights.h"

namespace hearth {

struct RandomPacked {
  PackedFormat format;
  std::int64_t rows = 0, columns = 0;
  DType scale_type = DType::kF16;
  std::vector<std::uint8_t> qweight, qzeros, scales;
  std::vector<std::uint8_t> g_idx;  ///< empty for AWQ

  PackedMatrix matrix(std::span<const std::uint32_t> order = {}) const {
    return {.format = format,
            .rows = rows,
            .columns = columns,
            .qweight = qweight,
            .qzeros = qzeros,
            .scales = scales,
            .scale_type = scale_type,
            .order = order};
  }
};

/// Any bits are codes and zeros; scales have a sensible size, and groups of columns out of order
/// are shuffled.
inline RandomPacked random_packed(std::mt19937& random, const PackedFormat& format,
                                  std::int64_t rows, std::int64_t columns,
                                  DType scale_type = DType::kF16) {
  RandomPacked made{.format = format, .rows = rows, .columns = columns, .scale_type = scale_type};
  const std::int64_t groups = format.groups(columns);
  const auto noise = [&](std::int64_t bits) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(bits / 8));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return bytes;
  };
  made.qweight = noise(rows * columns * format.bits);
  made.qzeros = noise(rows * groups * format.bits);
  made.scales = random_weights(random, scale_type, rows * groups);
  if (format.packing == Packing::kAwq) return made;
  std::vector<std::int32_t> index(static_cast<std::size_t>(columns));
  for (std::int64_t i = 0; i < columns; ++i) {
    index[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i / format.group_of(columns));
  }
  if (format.act_order) std::shuffle(index.begin(), index.end(), random);
  made.g_idx.resize(index.size() * 4);
  std::memcpy(made.g_idx.data(), index.data(), made.g_idx.size());
  return made;
}

}  // namespace hearth
