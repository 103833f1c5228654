// The float kernels of linear(): four rows are dequantized a strip of columns at a time, and each
// strip meets all tokens before the next, so that dequantization is paid once for them all.
#include "cpu/linear_plain.h"

#include <algorithm>

#include "cpu/simd.h"
#include "cpu/widen.h"

namespace hearth::cpu {
namespace {

// Columns of a strip: a multiple of every block (256 at most); four rows of it are 16 KiB of stack,
// half of the L1 cache.
constexpr std::int64_t kStrip = 1024;

// Dot products of four rows with kTokens tokens over n columns: result[t][row].
template <int kTokens>
HEARTH_INLINE void strip_dots(const float* const (&rows)[kPlainRows],
                              const float* const (&tokens)[kTokens], std::int64_t n,
                              f32x4 (&result)[kTokens]) {
  f32x4 acc[kTokens][kPlainRows] = {};
  const auto step = [&](f32x4(&w)[kPlainRows], f32x4(&x)[kTokens]) {
    HEARTH_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      HEARTH_UNROLL
      for (int r = 0; r < kPlainRows; ++r) acc[t][r] = madd(x[t], w[r], acc[t][r]);
    }
  };
  f32x4 w[kPlainRows];
  f32x4 x[kTokens];
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    HEARTH_UNROLL
    for (int r = 0; r < kPlainRows; ++r) w[r] = load<f32x4>(rows[r] + i);
    HEARTH_UNROLL
    for (int t = 0; t < kTokens; ++t) x[t] = load<f32x4>(tokens[t] + i);
    step(w, x);
  }
  if (i < n) {
    for (int r = 0; r < kPlainRows; ++r) w[r] = load_part(rows[r] + i, n - i);
    for (int t = 0; t < kTokens; ++t) x[t] = load_part(tokens[t] + i, n - i);
    step(w, x);
  }
  HEARTH_UNROLL
  for (int t = 0; t < kTokens; ++t) result[t] = sums(acc[t][0], acc[t][1], acc[t][2], acc[t][3]);
}

struct Place {
  std::int64_t row;      // first of the four
  std::int64_t rows;     // how many of them exist
  std::int64_t column;   // first of the strip
  std::int64_t columns;  // of the strip
};

// The first strip starts from bias and residual, the others add to what is there. An element's
// residual is read before its output is written, so they may be the same memory.
void add_result(const LinearArgs& args, const Place& place, std::int64_t token, f32x4 result) {
  for (std::int64_t r = 0; r < place.rows; ++r) {
    const std::int64_t at = token * args.weight.rows + place.row + r;
    float before = 0;
    if (place.column != 0) {
      before = args.output[at];
    } else {
      if (args.bias != nullptr) before += args.bias[place.row + r];
      if (args.residual != nullptr) before += args.residual[at];
    }
    args.output[at] = before + result[r];
  }
}

template <int kTokens>
void run_tokens(const LinearArgs& args, const Place& place, const float* const (&rows)[kPlainRows],
                std::int64_t token) {
  const float* tokens[kTokens];
  for (int t = 0; t < kTokens; ++t) {
    tokens[t] = args.input + (token + t) * args.weight.columns + place.column;
  }
  f32x4 result[kTokens];
  strip_dots<kTokens>(rows, tokens, place.columns, result);
  for (int t = 0; t < kTokens; ++t) add_result(args, place, token + t, result[t]);
}

}  // namespace

void linear_plain(const LinearArgs& args, std::int64_t first, std::int64_t last) {
  const Matrix& weight = args.weight;
  alignas(16) float strip[kPlainRows][kStrip];
  const auto row_bytes = static_cast<std::int64_t>(
      dtype_bytes(weight.dtype, static_cast<std::uint64_t>(weight.columns)));
  for (std::int64_t row = first; row < last; row += kPlainRows) {
    for (std::int64_t column = 0; column < weight.columns; column += kStrip) {
      const Place place = {row, std::min(kPlainRows, last - row), column,
                           std::min(kStrip, weight.columns - column)};
      const auto skip =
          static_cast<std::int64_t>(dtype_bytes(weight.dtype, static_cast<std::uint64_t>(column)));
      const float* rows[kPlainRows];
      for (std::int64_t r = 0; r < kPlainRows; ++r) {
        // Rows that do not exist repeat the first; their sums are not stored.
        const std::int64_t source = r < place.rows ? r : 0;
        const std::uint8_t* from = weight.data + (row + source) * row_bytes + skip;
        rows[r] = strip[source];
        if (weight.dtype == DType::kF32) {
          // Read in place, by loads that ask for no alignment.
          rows[r] = reinterpret_cast<const float*>(from);
        } else if (r == source) {
          widen(weight.dtype, from, place.columns, strip[r]);
        }
      }
      std::int64_t token = 0;
      for (; token + 2 <= args.tokens; token += 2) run_tokens<2>(args, place, rows, token);
      if (token < args.tokens) run_tokens<1>(args, place, rows, token);
    }
  }
}

}  // namespace hearth::cpu
