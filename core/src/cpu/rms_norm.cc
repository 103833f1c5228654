// rms_norm(): each row scaled to a root mean square of one, then by the weights.
#include <cmath>

#include "cpu/elementwise.h"
#include "cpu/kernels.h"
#include "cpu/simd.h"

namespace hearth::cpu {
namespace {

void norm_row(const float* input, const float* weight, float offset, float* output,
              std::int64_t width, float epsilon) {
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
    store(output + i,
          load<f32x4>(input + i) * splat(factor) * (load<f32x4>(weight + i) + splat(offset)));
  }
  for (; i < width; ++i) output[i] = input[i] * factor * (weight[i] + offset);
}

}  // namespace

void rms_norm(const NormArgs& args, ThreadPool& pool) {
  const auto rows = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t group = 0; group < args.groups; ++group) {
        norm_row(args.input + t * args.input_stride + group * args.width, args.weight,
                 args.weight_offset, args.output + t * args.output_stride + group * args.width,
                 args.width, args.epsilon);
      }
    }
  };
  pool.run(args.tokens, rows_per_piece(args.groups * args.width), rows);
}

}  // namespace hearth::cpu
