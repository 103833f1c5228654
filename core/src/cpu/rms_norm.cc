// rms_norm(): each row scaled to a root mean square of one, then by the weights.
#include <cmath>

#include "cpu/elementwise.h"
#include "cpu/kernels.h"
#include "cpu/simd.h"

namespace hearth::cpu {
namespace {

void norm_row(const float* input, const float* weight, float* output, std::int64_t width,
              float epsilon) {
  // Four sums, so that an addition need not wait for the one before it.
  f32x4 squares[4] = {};
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    HEARTH_UNROLL
    for (int k = 0; k < 4; ++k) {
      const auto x = load<f32x4>(input + i + 4 * k);
      squares[k] = madd(x, x, squares[k]);
    }
  }
  float total = sum((squares[0] + squares[1]) + (squares[2] + squares[3]));
  for (; i < width; ++i) total += input[i] * input[i];
  const float factor = 1.0F / std::sqrt(total / static_cast<float>(width) + epsilon);
  i = 0;
  for (; i + 4 <= width; i += 4) {
    store(output + i, load<f32x4>(input + i) * splat(factor) * load<f32x4>(weight + i));
  }
  for (; i < width; ++i) output[i] = input[i] * factor * weight[i];
}

}  // namespace

void rms_norm(const float* input, const float* weight, float* output, std::int64_t tokens,
              std::int64_t width, float epsilon, ThreadPool& pool) {
  pool.run(tokens, rows_per_piece(width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      norm_row(input + t * width, weight, output + t * width, width, epsilon);
    }
  });
}

}  // namespace hearth::cpu
