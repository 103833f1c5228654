// layer_norm(): each row moved to a mean of zero and scaled to a variance of one, then by the
// weights.
#include <cmath>

#include "cpu/elementwise.h"
#include "cpu/kernels.h"
#include "cpu/simd.h"

namespace hearth::cpu {
namespace {

void norm_row(const NormArgs& args, const float* input, float* output) {
  const std::int64_t width = args.width;
  f32x4 sums = {};
  std::int64_t i = 0;
  for (; i + 4 <= width; i += 4) sums += load<f32x4>(input + i);
  float total = sum(sums);
  for (; i < width; ++i) total += input[i];
  const float mean = total / static_cast<float>(width);

  // A second pass over the row, which is still near: mean(x²) − mean² would lose what they share.
  f32x4 squares = {};
  i = 0;
  for (; i + 4 <= width; i += 4) {
    const f32x4 x = load<f32x4>(input + i) - splat(mean);
    squares = madd(x, x, squares);
  }
  float variance = sum(squares);
  for (; i < width; ++i) variance += (input[i] - mean) * (input[i] - mean);
  const float factor = 1.0F / std::sqrt(variance / static_cast<float>(width) + args.epsilon);

  i = 0;
  for (; i + 4 <= width; i += 4) {
    const f32x4 bias = args.bias == nullptr ? splat(0) : load<f32x4>(args.bias + i);
    const f32x4 x = (load<f32x4>(input + i) - splat(mean)) * splat(factor);
    store(output + i, madd(x, load<f32x4>(args.weight + i), bias));
  }
  for (; i < width; ++i) {
    const float bias = args.bias == nullptr ? 0 : args.bias[i];
    output[i] = (input[i] - mean) * factor * args.weight[i] + bias;
  }
}

}  // namespace

void layer_norm(const NormArgs& args, ThreadPool& pool) {
  const auto rows = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t group = 0; group < args.groups; ++group) {
        norm_row(args, args.input + t * args.input_stride + group * args.width,
                 args.output + t * args.output_stride + group * args.width);
      }
    }
  };
  pool.run(args.tokens, rows_per_piece(args.groups * args.width), rows);
}

}  // namespace hearth::cpu
