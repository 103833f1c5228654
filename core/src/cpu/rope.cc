// rope(): rotation of query and key heads by their position.
#include <algorithm>

#include "cpu/elementwise.h"
#include "cpu/kernels.h"
#include "cpu/math.h"

namespace hearth::cpu {
namespace {

// Pairs rotated at a time: their sines and cosines (256 bytes each) are used by every head of a
// token.
constexpr std::int64_t kPairs = 64;

// Pairs (2i, 2i + 1) of one head; `data` is at the first of them.
void rotate_adjacent(float* data, const float* cosines, const float* sines, std::int64_t pairs) {
  std::int64_t i = 0;
  for (; i + 2 <= pairs; i += 2) {
    const auto x = load<f32x4>(data + 2 * i);
    const f32x4 c = {cosines[i], cosines[i], cosines[i + 1], cosines[i + 1]};
    const f32x4 s = {-sines[i], sines[i], -sines[i + 1], sines[i + 1]};
    const f32x4 swapped = __builtin_shufflevector(x, x, 1, 0, 3, 2);
    store(data + 2 * i, x * c + swapped * s);
  }
  for (; i < pairs; ++i) {
    const float a = data[2 * i];
    const float b = data[2 * i + 1];
    data[2 * i] = a * cosines[i] - b * sines[i];
    data[2 * i + 1] = a * sines[i] + b * cosines[i];
  }
}

// Pairs (i, i + half) of one head; `data` is at the first of them.
void rotate_halves(float* data, std::int64_t half, const float* cosines, const float* sines,
                   std::int64_t pairs) {
  std::int64_t i = 0;
  for (; i + 4 <= pairs; i += 4) {
    const auto a = load<f32x4>(data + i);
    const auto b = load<f32x4>(data + half + i);
    const auto c = load<f32x4>(cosines + i);
    const auto s = load<f32x4>(sines + i);
    store(data + i, a * c - b * s);
    store(data + half + i, a * s + b * c);
  }
  for (; i < pairs; ++i) {
    const float a = data[i];
    const float b = data[half + i];
    data[i] = a * cosines[i] - b * sines[i];
    data[half + i] = a * sines[i] + b * cosines[i];
  }
}

void rotate_token(const RopeArgs& args, std::int64_t token) {
  alignas(16) float cosines[kPairs];
  alignas(16) float sines[kPairs];
  float* row = args.data + token * args.stride;
  const auto position = static_cast<float>(args.position + token);
  const std::int64_t half = args.rotary_size / 2;
  for (std::int64_t first = 0; first < half; first += kPairs) {
    const std::int64_t pairs = std::min(kPairs, half - first);
    for (std::int64_t i = 0; i < pairs; ++i) {
      float frequency = args.frequencies[first + i];
      if (args.divisors != nullptr) frequency /= args.divisors[first + i];
      sine_cosine(position * frequency, sines[i], cosines[i]);
      sines[i] *= args.scale;
      cosines[i] *= args.scale;
    }
    for (std::int64_t head = 0; head < args.heads; ++head) {
      float* data = row + head * args.head_size;
      if (args.interleaved) {
        rotate_adjacent(data + 2 * first, cosines, sines, pairs);
      } else {
        rotate_halves(data + first, half, cosines, sines, pairs);
      }
    }
  }
}

}  // namespace

void rope(const RopeArgs& args, ThreadPool& pool) {
  const std::int64_t width = args.heads * args.head_size;
  pool.run(args.tokens, rows_per_piece(width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) rotate_token(args, t);
  });
}

}  // namespace hearth::cpu
