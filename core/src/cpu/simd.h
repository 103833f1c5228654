// One portable layer of 128-bit vectors: clang's vector extensions compile to WebAssembly SIMD and
// to SSE/AVX alike, so only what no operator can say is wrapped here, above all the integer dot
// product.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__SSSE3__)
#include <immintrin.h>
#endif

namespace hearth::cpu {

using f32x4 = float __attribute__((vector_size(16)));
using i32x4 = std::int32_t __attribute__((vector_size(16)));
using u32x4 = std::uint32_t __attribute__((vector_size(16)));
using i16x8 = std::int16_t __attribute__((vector_size(16)));
using i8x16 = std::int8_t __attribute__((vector_size(16)));
using u8x16 = std::uint8_t __attribute__((vector_size(16)));
using i16x4 = std::int16_t __attribute__((vector_size(8)));
using u16x4 = std::uint16_t __attribute__((vector_size(8)));

#define HEARTH_INLINE inline __attribute__((always_inline))
#define HEARTH_UNROLL _Pragma("clang loop unroll(full)")

// --- memory: no alignment is asked, as packed blocks have none -----------------------------------

template <typename V>
HEARTH_INLINE V load(const void* from) {
  V v;
  std::memcpy(&v, from, sizeof(V));
  return v;
}

template <typename V>
HEARTH_INLINE void store(void* to, V v) {
  std::memcpy(to, &v, sizeof(V));
}

HEARTH_INLINE f32x4 splat(float x) { return f32x4{x, x, x, x}; }

HEARTH_INLINE f32x4 load_splat(const void* from) {
  float x;
  std::memcpy(&x, from, sizeof x);
  return splat(x);
}

/// Four times the same 4 bytes.
HEARTH_INLINE u8x16 load_splat_word(const void* from) {
  std::int32_t x;
  std::memcpy(&x, from, sizeof x);
  return reinterpret_cast<u8x16>(i32x4{x, x, x, x});
}

/// The first n floats, 0 < n < 4, then zeros: reads nothing past them.
HEARTH_INLINE f32x4 load_part(const float* from, std::int64_t n) {
  f32x4 v = {from[0], 0, 0, 0};
  if (n > 1) v[1] = from[1];
  if (n > 2) v[2] = from[2];
  return v;
}

HEARTH_INLINE void store_part(float* to, f32x4 v, std::int64_t n) {
  to[0] = v[0];
  if (n > 1) to[1] = v[1];
  if (n > 2) to[2] = v[2];
}

// --- floats ----------------------------------------------------------------------------------

/// a · b + c, in one rounding where the machine has it.
HEARTH_INLINE f32x4 madd(f32x4 a, f32x4 b, f32x4 c) {
#if defined(__wasm_relaxed_simd__)
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#elif defined(__FMA__)
  return reinterpret_cast<f32x4>(_mm_fmadd_ps(
      reinterpret_cast<__m128>(a), reinterpret_cast<__m128>(b), reinterpret_cast<__m128>(c)));
#else
  return a * b + c;
#endif
}

// WebAssembly's own max orders NaN and signed zeros, which costs x86 five instructions; "pseudo"
// max is one.
HEARTH_INLINE f32x4 max(f32x4 a, f32x4 b) {
#if defined(__wasm_simd128__)
  return __builtin_wasm_pmax_f32x4(a, b);
#else
  return a < b ? b : a;
#endif
}

HEARTH_INLINE f32x4 min(f32x4 a, f32x4 b) {
#if defined(__wasm_simd128__)
  return __builtin_wasm_pmin_f32x4(a, b);
#else
  return b < a ? b : a;
#endif
}

HEARTH_INLINE f32x4 abs(f32x4 a) {
  return reinterpret_cast<f32x4>(reinterpret_cast<u32x4>(a) & 0x7fffffffU);
}

HEARTH_INLINE f32x4 select(i32x4 mask, f32x4 yes, f32x4 no) {
  return reinterpret_cast<f32x4>((reinterpret_cast<i32x4>(yes) & mask) |
                                 (reinterpret_cast<i32x4>(no) & ~mask));
}

HEARTH_INLINE f32x4 to_float(i32x4 v) { return __builtin_convertvector(v, f32x4); }

/// (a0+a1+a2+a3, b0+…, c0+…, d0+…): four sums for the price of one transposition.
HEARTH_INLINE f32x4 sums(f32x4 a, f32x4 b, f32x4 c, f32x4 d) {
  const f32x4 ab = __builtin_shufflevector(a, b, 0, 4, 2, 6) +
                   __builtin_shufflevector(a, b, 1, 5, 3, 7);  // a01 b01 a23 b23
  const f32x4 cd =
      __builtin_shufflevector(c, d, 0, 4, 2, 6) + __builtin_shufflevector(c, d, 1, 5, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

HEARTH_INLINE float sum(f32x4 a) { return (a[0] + a[1]) + (a[2] + a[3]); }

/// Four halves at any address, exact for every finite value: the half's exponent and mantissa are
/// moved to a float's places, where they mean 2^-112 times the value, as the biases are 15 and 127.
/// Infinities and NaN, which no scale of a sound file has, come out as values of 2^16 and more.
HEARTH_INLINE f32x4 load_finite_halves(const void* from) {
  const i32x4 wide = __builtin_convertvector(load<i16x4>(from), i32x4);
  // Sign-extended, so bit 31 is the sign; the copies of it in bits 28 to 30 are cleared.
  const u32x4 bits = (reinterpret_cast<u32x4>(wide) << 13) & 0x8fffe000U;
  return reinterpret_cast<f32x4>(bits) * splat(0x1p112F);
}

/// The same, exact for infinities and NaN too (payload kept).
HEARTH_INLINE f32x4 load_halves(const void* from) {
  const i32x4 wide = __builtin_convertvector(load<i16x4>(from), i32x4);
  const f32x4 finite = load_finite_halves(from);
  const i32x4 special = (wide & 0x7c00) == 0x7c00;
  const u32x4 saturated = reinterpret_cast<u32x4>(finite) | 0x7f800000U;
  return select(special, reinterpret_cast<f32x4>(saturated), finite);
}

// --- integer dot products --------------------------------------------------------------------
//
// The lane of a dot product is a row: a vector of weights holds four consecutive columns from each
// of four rows, and meets the four activations of those columns in every lane. How activations are
// kept depends on the instruction there is:
//   bytes    relaxed SIMD, SSSE3 and scalar: int8, in order
//   words    baseline WebAssembly SIMD, which multiplies no bytes: int16, columns (0, 2, 1, 3) of
//   each
//            four, because the low bytes of a vector's 16-bit lanes are columns 0 and 2, the high
//            ones 1 and 3; so a row's products meet in its own 32-bit lane with no shuffle
// No form can saturate: a pair of products is at most 2 · 127 · 127 < 2^15. So all give the same
// sums.

#if defined(__wasm_simd128__) && !defined(__wasm_relaxed_simd__)
#define HEARTH_ACTIVATION_WORDS 1
using Activation = std::int16_t;
#else
#define HEARTH_ACTIVATION_WORDS 0
using Activation = std::int8_t;
#endif

/// Where column i of each four is kept among its four activations.
inline constexpr int kActivationOrder[4] = {0, HEARTH_ACTIVATION_WORDS ? 2 : 1,
                                            HEARTH_ACTIVATION_WORDS ? 1 : 2, 3};

/// The activations of four columns, in every lane.
struct SplatActivations {
#if HEARTH_ACTIVATION_WORDS
  i16x8 even, odd;
#else
  u8x16 bytes;
#endif
};

HEARTH_INLINE SplatActivations splat_activations(const Activation* from) {
#if HEARTH_ACTIVATION_WORDS
  return {reinterpret_cast<i16x8>(load_splat_word(from)),
          reinterpret_cast<i16x8>(load_splat_word(from + 2))};
#else
  return {load_splat_word(from)};
#endif
}

/// Weights of four rows by four columns, 0 … 127, made ready to multiply.
struct Weights {
#if HEARTH_ACTIVATION_WORDS
  i16x8 even, odd;
#else
  u8x16 bytes;
#endif
};

HEARTH_INLINE Weights weights_u7(u8x16 bytes) {
#if HEARTH_ACTIVATION_WORDS
  using u16x8 = std::uint16_t __attribute__((vector_size(16)));
  const u16x8 words = reinterpret_cast<u16x8>(bytes);
  return {reinterpret_cast<i16x8>(words & 0xff), reinterpret_cast<i16x8>(words >> 8)};
#else
  return {bytes};
#endif
}

/// Plain C++ of the byte form, lane by lane: what every other form must equal.
inline i32x4 dot_scalar(i32x4 sum, u8x16 activations, u8x16 weights) {
  for (int i = 0; i < 16; ++i) {
    sum[i / 4] += static_cast<std::int8_t>(activations[i]) * static_cast<std::int32_t>(weights[i]);
  }
  return sum;
}

/// sum[row] += Σ over four columns of activation · weight
HEARTH_INLINE i32x4 dot(i32x4 sum, SplatActivations x, Weights w) {
#if HEARTH_ACTIVATION_WORDS
  sum += reinterpret_cast<i32x4>(
      wasm_i32x4_dot_i16x8(reinterpret_cast<v128_t>(x.even), reinterpret_cast<v128_t>(w.even)));
  return sum + reinterpret_cast<i32x4>(wasm_i32x4_dot_i16x8(reinterpret_cast<v128_t>(x.odd),
                                                            reinterpret_cast<v128_t>(w.odd)));
#elif defined(__wasm_relaxed_simd__)
  return reinterpret_cast<i32x4>(wasm_i32x4_relaxed_dot_i8x16_i7x16_add(
      reinterpret_cast<v128_t>(x.bytes), reinterpret_cast<v128_t>(w.bytes),
      reinterpret_cast<v128_t>(sum)));
#elif defined(__SSSE3__)
  const __m128i pairs =
      _mm_maddubs_epi16(reinterpret_cast<__m128i>(w.bytes), reinterpret_cast<__m128i>(x.bytes));
  return sum + reinterpret_cast<i32x4>(_mm_madd_epi16(pairs, _mm_set1_epi16(1)));
#else
  return dot_scalar(sum, x.bytes, w.bytes);
#endif
}

// Sums of pairs in 16 bits: on x86 without VNNI a byte product is two instructions this way and
// five with 32-bit sums; with VNNI, or on Arm with its dot products, one with 32-bit sums. Only for
// what cannot overflow: eight vectors of weights up to 15 give at most 8 · 2 · 15 · 127 = 30480 <
// 2^15.
#if HEARTH_ACTIVATION_WORDS || !(defined(__wasm_relaxed_simd__) || defined(__SSSE3__))
using PairSums = i32x4;
#else
using PairSums = i16x8;
#endif

HEARTH_INLINE PairSums dot_pairs(PairSums sum, SplatActivations x, Weights w) {
#if HEARTH_ACTIVATION_WORDS
  return dot(sum, x, w);
#elif defined(__wasm_relaxed_simd__)
  return sum + reinterpret_cast<i16x8>(wasm_i16x8_relaxed_dot_i8x16_i7x16(
                   reinterpret_cast<v128_t>(x.bytes), reinterpret_cast<v128_t>(w.bytes)));
#elif defined(__SSSE3__)
  return sum + reinterpret_cast<i16x8>(_mm_maddubs_epi16(reinterpret_cast<__m128i>(w.bytes),
                                                         reinterpret_cast<__m128i>(x.bytes)));
#else
  return dot(sum, x, w);
#endif
}

/// The sums of dot(), from those of dot_pairs().
HEARTH_INLINE i32x4 whole_sums(PairSums sums) {
#if HEARTH_ACTIVATION_WORDS
  return sums;
#elif defined(__wasm_relaxed_simd__)
  return reinterpret_cast<i32x4>(wasm_i32x4_extadd_pairwise_i16x8(reinterpret_cast<v128_t>(sums)));
#elif defined(__SSSE3__)
  return reinterpret_cast<i32x4>(
      _mm_madd_epi16(reinterpret_cast<__m128i>(sums), _mm_set1_epi16(1)));
#else
  return sums;
#endif
}

/// Whether this machine multiplies faster by dot_pairs() than by dot(). Relaxed SIMD leaves open
/// what weights past 7 bits give, and so tells which instructions the engine chose: 127 · 255 taken
/// twice saturates in 16 bits only where x86 has no VNNI (Arm takes 255 as −1).
inline bool prefers_pairs() {
#if defined(__wasm_relaxed_simd__)
  const i32x4 sum = reinterpret_cast<i32x4>(wasm_i32x4_relaxed_dot_i8x16_i7x16_add(
      wasm_i8x16_splat(127), wasm_u8x16_splat(255), wasm_i32x4_splat(0)));
  return sum[0] == 2 * 32767;
#elif defined(__SSSE3__)
  return true;
#else
  return false;
#endif
}

}  // namespace hearth::cpu
