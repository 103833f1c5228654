// Causal attention with grouped-query heads, in one pass over keys and values (online softmax).
//
// A unit of work is a tile of four query rows that share a key/value head; row i of that head is
// token i / group, query head i % group. Scores are kept as vectors whose lanes are the four rows,
// (key, row), so that the softmax needs no sums across a vector, and each key and value is read
// once for four rows.
#include <algorithm>

#include "cpu/kernels.h"
#include "cpu/math.h"

namespace hearth::cpu {
namespace {

constexpr int kRows = 4;
// Keys between two rescalings of the output: 64 keys and values of 64 floats are 32 KiB, so the
// values are still near when the scores are done.
constexpr std::int64_t kKeys = 64;

struct Tile {
  const float* query[kRows];  // (head_size) each; absent rows repeat the last one
  float* output[kRows];       // (head_size) each
  i32x4 first, last;          // keys that each row sees, both included
};

// Products of kCount consecutive keys with the four query rows: scores[key] = lanes of rows.
template <int kCount>
HEARTH_INLINE void score_keys(const Tile& tile, const float* keys, std::int64_t head_size,
                              f32x4* scores) {
  f32x4 acc[kCount][kRows] = {};
  const auto step = [&](f32x4(&k)[kCount], f32x4(&q)[kRows]) {
    HEARTH_UNROLL
    for (int j = 0; j < kCount; ++j) {
      HEARTH_UNROLL
      for (int r = 0; r < kRows; ++r) acc[j][r] = madd(k[j], q[r], acc[j][r]);
    }
  };
  f32x4 k[kCount];
  f32x4 q[kRows];
  std::int64_t i = 0;
  for (; i + 4 <= head_size; i += 4) {
    HEARTH_UNROLL
    for (int j = 0; j < kCount; ++j) k[j] = load<f32x4>(keys + j * head_size + i);
    HEARTH_UNROLL
    for (int r = 0; r < kRows; ++r) q[r] = load<f32x4>(tile.query[r] + i);
    step(k, q);
  }
  if (i < head_size) {
    for (int j = 0; j < kCount; ++j) k[j] = load_part(keys + j * head_size + i, head_size - i);
    for (int r = 0; r < kRows; ++r) q[r] = load_part(tile.query[r] + i, head_size - i);
    step(k, q);
  }
  HEARTH_UNROLL
  for (int j = 0; j < kCount; ++j) scores[j] = sums(acc[j][0], acc[j][1], acc[j][2], acc[j][3]);
}

// output = output · decay + Σ_key weight[key] · value[key], for kVectors vectors of four floats.
template <int kVectors>
HEARTH_INLINE void add_values(const Tile& tile, const float* values, std::int64_t head_size,
                              std::int64_t at, const f32x4* weights, std::int64_t count,
                              f32x4 decay) {
  f32x4 acc[kRows][kVectors];
  HEARTH_UNROLL
  for (int r = 0; r < kRows; ++r) {
    HEARTH_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      acc[r][v] = load<f32x4>(tile.output[r] + at + 4 * v) * splat(decay[r]);
    }
  }
  for (std::int64_t key = 0; key < count; ++key) {
    const auto* weight = reinterpret_cast<const float*>(weights + key);
    f32x4 value[kVectors];
    HEARTH_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      value[v] = load<f32x4>(values + key * head_size + at + 4 * v);
    }
    HEARTH_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const f32x4 w = load_splat(weight + r);
      HEARTH_UNROLL
      for (int v = 0; v < kVectors; ++v) acc[r][v] = madd(w, value[v], acc[r][v]);
    }
  }
  // All are read before any is written: absent rows share the last row's place, and write the same.
  HEARTH_UNROLL
  for (int r = 0; r < kRows; ++r) {
    HEARTH_UNROLL
    for (int v = 0; v < kVectors; ++v) store(tile.output[r] + at + 4 * v, acc[r][v]);
  }
}

// The floats of a head past a multiple of four.
void add_values_tail(const Tile& tile, const float* values, std::int64_t head_size, std::int64_t at,
                     const f32x4* weights, std::int64_t count, f32x4 decay) {
  for (std::int64_t i = at; i < head_size; ++i) {
    float acc[kRows];
    for (int r = 0; r < kRows; ++r) acc[r] = tile.output[r][i] * decay[r];
    for (std::int64_t key = 0; key < count; ++key) {
      for (int r = 0; r < kRows; ++r) acc[r] += weights[key][r] * values[key * head_size + i];
    }
    for (int r = 0; r < kRows; ++r) tile.output[r][i] = acc[r];
  }
}

// `begin` is the first key that any of the rows sees, `seen` the one past the last.
void attend(const Tile& tile, const float* keys, const float* values, const AttentionArgs& args,
            std::int64_t begin, std::int64_t seen) {
  const std::int64_t head_size = args.head_size;
  for (const auto& output : tile.output) std::fill_n(output, head_size, 0.0F);
  f32x4 scores[kKeys];  // (key, row), then the weights exp(score − largest)
  // Below any score, and finite, so that the first decay is exp of a large negative number, not of
  // NaN.
  f32x4 largest = splat(-1e30F);
  f32x4 total = splat(0);
  for (std::int64_t first = begin; first < seen; first += kKeys) {
    const std::int64_t count = std::min(kKeys, seen - first);
    const float* block = keys + first * head_size;
    std::int64_t key = 0;
    for (; key + 2 <= count; key += 2) {
      score_keys<2>(tile, block + key * head_size, head_size, scores + key);
    }
    if (key < count) score_keys<1>(tile, block + key * head_size, head_size, scores + key);

    const auto visible = [&](std::int64_t at) {
      const i32x4 index = i32x4{} + static_cast<std::int32_t>(first + at);
      return (index >= tile.first) & (index <= tile.last);
    };
    f32x4 peak = largest;
    for (key = 0; key < count; ++key) {
      scores[key] *= splat(args.scale);
      if (args.soft_cap > 0) {
        scores[key] = splat(args.soft_cap) * tanh(scores[key] / splat(args.soft_cap));
      }
      scores[key] = select(visible(key), scores[key], splat(-1e30F));
      peak = max(peak, scores[key]);
    }
    const f32x4 decay = exp(largest - peak);
    largest = peak;
    total *= decay;
    for (key = 0; key < count; ++key) {
      // exp() never gives zero, and a key that a row does not see must weigh nothing.
      scores[key] = select(visible(key), exp(scores[key] - peak), splat(0));
      total += scores[key];
    }

    const float* value = values + first * head_size;
    std::int64_t at = 0;
    for (; at + 8 <= head_size; at += 8) {
      add_values<2>(tile, value, head_size, at, scores, count, decay);
    }
    for (; at + 4 <= head_size; at += 4) {
      add_values<1>(tile, value, head_size, at, scores, count, decay);
    }
    if (at < head_size) add_values_tail(tile, value, head_size, at, scores, count, decay);
  }
  for (int r = 0; r < kRows; ++r) {
    if (r > 0 && tile.output[r] == tile.output[r - 1]) break;  // absent rows: done already
    const float factor = 1.0F / total[r];
    for (std::int64_t i = 0; i < head_size; ++i) tile.output[r][i] *= factor;
  }
}

}  // namespace

void attention(const AttentionArgs& args, ThreadPool& pool) {
  const std::int64_t group = args.heads / args.kv_heads;
  const std::int64_t rows = args.tokens * group;  // of one key/value head
  const std::int64_t tiles = (rows + kRows - 1) / kRows;
  pool.run(args.kv_heads * tiles, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t kv_head = unit / tiles;
      Tile tile;
      std::int64_t from = 0;  // of the first row, whose window begins first
      std::int64_t seen = 0;
      for (int r = 0; r < kRows; ++r) {
        const std::int64_t row = std::min(unit % tiles * kRows + r, rows - 1);
        const std::int64_t token = row / group;
        const std::int64_t head = kv_head * group + row % group;
        tile.query[r] = args.query + token * args.query_stride + head * args.head_size;
        tile.output[r] = args.output + (token * args.heads + head) * args.head_size;
        seen = args.position + token + 1;
        const std::int64_t first =
            args.window == 0 ? 0 : std::max<std::int64_t>(0, seen - args.window);
        if (r == 0) from = first;
        tile.first[r] = static_cast<std::int32_t>(first);
        tile.last[r] = static_cast<std::int32_t>(seen - 1);
      }
      const std::int64_t skip = kv_head * args.capacity * args.head_size;
      attend(tile, args.keys + skip, args.values + skip, args, from, seen);
    }
  });
}

}  // namespace hearth::cpu
