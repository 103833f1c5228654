// The CPU's kernels, free of graph and plan: pointers in, pointers out. Each has a plain reference
// (namespace reference) and a fast form beside it; both give the same result within the tolerance
// that kernels_test.cc derives. Buffers are 16-byte aligned unless said otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "cpu/thread_pool.h"
#include "graph/op.h"
#include "tensor/dtype.h"

namespace hearth::cpu {

// --- weights ---------------------------------------------------------------------------------

/// How the bytes of a weight matrix lie in memory after load.
enum class Layout : std::uint8_t {
  kPlain,  ///< as in the file, row after row
  kRows4,  ///< four rows interleaved, for integer dot products (packing.h draws it)
};

/// A weight matrix (rows, columns), row-major before packing: y = W x.
struct Matrix {
  DType dtype = DType::kF32;
  Layout layout = Layout::kPlain;
  std::int64_t rows = 0;     ///< out features
  std::int64_t columns = 0;  ///< in features
  const std::uint8_t* data = nullptr;
};

/// The layout in which a matrix of that type and shape is kept. `exact` asks for float kernels,
/// which read kPlain.
Layout preferred_layout(DType dtype, std::int64_t rows, std::int64_t columns, bool exact);

/// Repacks a matrix from kPlain to `layout` in place: the bytes are permuted, none is added. Memory
/// beside it is one group of rows.
void pack_in_place(DType dtype, Layout layout, std::int64_t rows, std::int64_t columns,
                   std::uint8_t* data);

// --- activations -----------------------------------------------------------------------------

/// Bytes of scratch that linear() needs for `tokens` rows of `columns` activations rounded to 8
/// bits.
std::size_t linear_scratch_bytes(std::int64_t tokens, std::int64_t columns);

struct LinearArgs {
  Matrix weight;                    ///< (rows, columns)
  const float* input = nullptr;     ///< (tokens, columns)
  float* output = nullptr;          ///< (tokens, rows)
  const float* bias = nullptr;      ///< (rows) or nullptr
  const float* residual = nullptr;  ///< (tokens, rows) or nullptr; added last; may alias output
  std::int64_t tokens = 0;
  std::uint8_t* scratch = nullptr;  ///< linear_scratch_bytes(tokens, columns), 64-byte aligned
  bool exact = false;               ///< never round activations
};

/// output = input · Wᵀ + bias + residual
void linear(const LinearArgs& args, ThreadPool& pool);

/// output(token, :) = table(ids[token], :), dequantized; ids are checked by the caller.
void embed(const Matrix& table, std::span<const std::uint32_t> ids, float* output,
           ThreadPool& pool);

struct NormArgs {
  const float* input = nullptr;   ///< (tokens, input_stride), groups first in each row
  std::int64_t input_stride = 0;  ///< floats from one token's row to the next
  const float* weight = nullptr;  ///< (width)
  const float* bias = nullptr;    ///< (width) or nullptr; layer_norm only
  float* output = nullptr;        ///< (tokens, output_stride); may be the input
  std::int64_t output_stride = 0;
  std::int64_t tokens = 0;
  std::int64_t groups = 1;  ///< parts of a row that are normalized alone, with the same weights
  std::int64_t width = 0;   ///< of a group
  float epsilon = 0;
  float weight_offset = 0;  ///< added to each weight; rms_norm only
};
/// output = input / sqrt(mean(input²) + epsilon) · (weight + weight_offset), group by group.
void rms_norm(const NormArgs& args, ThreadPool& pool);
/// output = (input − mean) / sqrt(variance + epsilon) · weight + bias, group by group.
void layer_norm(const NormArgs& args, ThreadPool& pool);

struct RopeArgs {
  float* data = nullptr;  ///< rotated in place: (tokens, stride), heads first in each row
  std::int64_t tokens = 0;
  std::int64_t stride = 0;  ///< floats from one token's row to the next
  std::int64_t heads = 0;
  std::int64_t head_size = 0;
  std::int64_t rotary_size = 0;        ///< leading part of each head that is rotated; even
  const float* frequencies = nullptr;  ///< (rotary_size / 2) radians per position
  const float* divisors = nullptr;     ///< of the frequencies, (rotary_size / 2); or nullptr
  float scale = 1;                     ///< multiplies sine and cosine (yarn, long rope)
  std::int64_t position = 0;           ///< of the first token
  bool interleaved = false;  ///< pairs (2i, 2i+1), as GGUF's Llama; else (i, i + rotary/2)
};
void rope(const RopeArgs& args, ThreadPool& pool);

struct AttentionArgs {
  const float* query = nullptr;  ///< (tokens, query_stride), heads first in each row
  std::int64_t query_stride = 0;
  const float* keys = nullptr;    ///< (kv_heads, capacity, head_size)
  const float* values = nullptr;  ///< (kv_heads, capacity, head_size)
  float* output = nullptr;        ///< (tokens, heads · head_size)
  std::int64_t tokens = 0;
  std::int64_t position = 0;  ///< of the first token; keys 0 … position + tokens − 1 are stored
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  ///< divides heads
  std::int64_t head_size = 0;
  std::int64_t capacity = 0;
  float scale = 1;          ///< multiplies query·key
  std::int64_t window = 0;  ///< keys that a token sees, its own included; 0 for all
  float soft_cap = 0;       ///< scores become cap · tanh(score / cap); 0 for none
};
/// Causal attention with grouped-query heads: token t sees keys 0 … position + t, the last
/// `window` of them.
void attention(const AttentionArgs& args, ThreadPool& pool);

/// Appends rows to the cache: cache(h, position + t, :) = input(t, h, :).
void store_kv(const float* input, std::int64_t stride, float* cache, std::int64_t tokens,
              std::int64_t position, std::int64_t kv_heads, std::int64_t head_size,
              std::int64_t capacity, ThreadPool& pool);

/// output(t, i) = activation(gate(t, i)) · up(t, i), rows of `width` that lie `stride` floats apart
/// in gate and up (two slices of one matrix have its width) and next to each other in the output.
void glu(graph::Activation activation, const float* gate, const float* up, std::int64_t stride,
         float* output, std::int64_t tokens, std::int64_t width, ThreadPool& pool);

/// output = a + b, n floats. May alias.
void add(const float* a, const float* b, float* output, std::int64_t n, ThreadPool& pool);

/// output = factor · input, n floats. May alias.
void scale(const float* input, float factor, float* output, std::int64_t n, ThreadPool& pool);

/// output = cap · tanh(input / cap), n floats. May alias.
void soft_cap(const float* input, float cap, float* output, std::int64_t n, ThreadPool& pool);

/// output = activation(input), n floats. May alias.
void activate(graph::Activation activation, const float* input, float* output, std::int64_t n,
              ThreadPool& pool);

/// output(t, i) = input(t, order[i]): rows of `width` that lie `stride` floats apart in the input
/// and next to each other in the output, which does not overlap it.
void gather_columns(const float* input, std::int64_t stride, const std::uint32_t* order,
                    float* output, std::int64_t tokens, std::int64_t width, ThreadPool& pool);

/// The same kernels, written to be read: one loop nest each, double accumulators, no packing but
/// kPlain.
namespace reference {
void linear(const LinearArgs& args);
void embed(const Matrix& table, std::span<const std::uint32_t> ids, float* output);
void rms_norm(const NormArgs& args);
void layer_norm(const NormArgs& args);
void rope(const RopeArgs& args);
void attention(const AttentionArgs& args);
void glu(graph::Activation activation, const float* gate, const float* up, std::int64_t stride,
         float* output, std::int64_t tokens, std::int64_t width);
void activate(graph::Activation activation, const float* input, float* output, std::int64_t n);
}  // namespace reference

}  // namespace hearth::cpu
