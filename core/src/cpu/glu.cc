// glu() and the ops on single elements, and store_kv(), which only moves.
#include "cpu/elementwise.h"
#include "cpu/kernels.h"
#include "cpu/math.h"

namespace hearth::cpu {
namespace {

template <typename Activate>
void glu_rows(const Activate& activate, const float* gate_rows, const float* up_rows,
              std::int64_t stride, float* output, std::int64_t tokens, std::int64_t width,
              ThreadPool& pool) {
  pool.run(tokens, rows_per_piece(width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const float* gate = gate_rows + t * stride;
      const float* up = up_rows + t * stride;
      float* out = output + t * width;
      std::int64_t i = 0;
      for (; i + 4 <= width; i += 4) {
        store(out + i, activate(load<f32x4>(gate + i)) * load<f32x4>(up + i));
      }
      if (i < width) {
        const std::int64_t rest = width - i;
        store_part(out + i, activate(load_part(gate + i, rest)) * load_part(up + i, rest), rest);
      }
    }
  });
}

template <typename Map>
void map(const Map& apply, const float* input, float* output, std::int64_t n, ThreadPool& pool) {
  pool.run(n, rows_per_piece(1), [&](std::int64_t begin, std::int64_t end) {
    std::int64_t i = begin;
    for (; i + 4 <= end; i += 4) store(output + i, apply(load<f32x4>(input + i)));
    if (i < end) store_part(output + i, apply(load_part(input + i, end - i)), end - i);
  });
}

}  // namespace

void glu(graph::Activation activation, const float* gate, const float* up, std::int64_t stride,
         float* output, std::int64_t tokens, std::int64_t width, ThreadPool& pool) {
  with_activation(activation, [&](const auto& activate) {
    glu_rows(activate, gate, up, stride, output, tokens, width, pool);
  });
}

void activate(graph::Activation activation, const float* input, float* output, std::int64_t n,
              ThreadPool& pool) {
  with_activation(activation, [&](const auto& apply) { map(apply, input, output, n, pool); });
}

void scale(const float* input, float factor, float* output, std::int64_t n, ThreadPool& pool) {
  map([factor](f32x4 x) { return x * splat(factor); }, input, output, n, pool);
}

void soft_cap(const float* input, float cap, float* output, std::int64_t n, ThreadPool& pool) {
  map([cap](f32x4 x) { return splat(cap) * tanh(x / splat(cap)); }, input, output, n, pool);
}

void add(const float* a, const float* b, float* output, std::int64_t n, ThreadPool& pool) {
  pool.run(n, rows_per_piece(1), [&](std::int64_t begin, std::int64_t end) {
    std::int64_t i = begin;
    for (; i + 4 <= end; i += 4) store(output + i, load<f32x4>(a + i) + load<f32x4>(b + i));
    for (; i < end; ++i) output[i] = a[i] + b[i];
  });
}

void store_kv(const float* input, std::int64_t stride, float* cache, std::int64_t tokens,
              std::int64_t position, std::int64_t kv_heads, std::int64_t head_size,
              std::int64_t capacity, ThreadPool& pool) {
  pool.run(tokens, rows_per_piece(kv_heads * head_size), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t head = 0; head < kv_heads; ++head) {
        std::memcpy(cache + (head * capacity + position + t) * head_size,
                    input + t * stride + head * head_size,
                    static_cast<std::size_t>(head_size) * sizeof(float));
      }
    }
  });
}

}  // namespace hearth::cpu
