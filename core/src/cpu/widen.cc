// Vector forms of dequantize() for the types that whole files consist of: halves, bfloat16, the
// K-quants of 4 to 6 bits and the blocks of GPTQ and AWQ; the others are left to dequantize().
// quant/dequantize.cc draws the blocks.
//
// The result is the oracle's, whether or not the machine fuses products and sums: a half has 11
// significant bits, a K-quant's scale and minimum at most 7 and a quant at most 5 (6-bit quants
// have no minimum), so d · s · q and dmin · m fit a float's 24 and only their difference is
// rounded.
#include "cpu/widen.h"

#include "cpu/simd.h"
#include "quant/dequantize.h"

namespace hearth::cpu {
namespace {

void widen_words(DType dtype, const std::uint8_t* from, std::int64_t n, float* out) {
  const std::int64_t whole = n & ~std::int64_t{3};
  for (std::int64_t i = 0; i < whole; i += 4) {
    if (dtype == DType::kF16) {
      store(out + i, load_halves(from + i * 2));
    } else {
      const auto bits = __builtin_convertvector(load<u16x4>(from + i * 2), u32x4) << 16;
      store(out + i, reinterpret_cast<f32x4>(bits));
    }
  }
  for (std::int64_t i = whole; i < n; ++i) {
    const auto bits = load_le<std::uint16_t>(from + i * 2);
    out[i] = dtype == DType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
  }
}

float half_at(const std::uint8_t* from) { return f16_to_f32(load_le<std::uint16_t>(from)); }

/// Sixteen floats, four to a vector.
struct Floats16 {
  f32x4 part[4];
};

// From 2^23 a float's steps are whole: the bits 0x4b000000 | q are the float 2^23 + q, and taking
// 2^23 away leaves q. A conversion would do the same, but clang makes it one of unsigned integers,
// as it sees that q is never negative, and x86 has no instruction for WebAssembly's: this is twice
// as fast.
constexpr float kUnits = 0x1p23F;

/// q[i] − zero
HEARTH_INLINE Floats16 to_floats(u8x16 q, float zero = 0) {
  using u8x8 = std::uint8_t __attribute__((vector_size(8)));
  using u16x8 = std::uint16_t __attribute__((vector_size(16)));
  const u8x8 halves[2] = {__builtin_shufflevector(q, q, 0, 1, 2, 3, 4, 5, 6, 7),
                          __builtin_shufflevector(q, q, 8, 9, 10, 11, 12, 13, 14, 15)};
  const u16x8 upper = u16x8{} + 0x4b00;
  const f32x4 offset = splat(kUnits + zero);
  Floats16 out;
  HEARTH_UNROLL
  for (int i = 0; i < 2; ++i) {
    const u16x8 words = __builtin_convertvector(halves[i], u16x8);
    out.part[2 * i] =
        reinterpret_cast<f32x4>(__builtin_shufflevector(words, upper, 0, 8, 1, 9, 2, 10, 3, 11)) -
        offset;
    out.part[2 * i + 1] =
        reinterpret_cast<f32x4>(__builtin_shufflevector(words, upper, 4, 12, 5, 13, 6, 14, 7, 15)) -
        offset;
  }
  return out;
}

/// out[i] = scale · q[i] − min
HEARTH_INLINE void put(u8x16 q, f32x4 scale, f32x4 min, float* out) {
  const Floats16 values = to_floats(q);
  HEARTH_UNROLL
  for (int i = 0; i < 4; ++i) store(out + 4 * i, madd(scale, values.part[i], -min));
}

/// The eight products d · s and dmin · m of a Q4_K or Q5_K block.
struct ScalesAndMins {
  float scales[8];
  float mins[8];
};

// The twelve packed bytes as three words; each step takes the same bits of four bytes at once.
HEARTH_INLINE ScalesAndMins scales_and_mins(const std::uint8_t* block) {
  const auto first = load_le<std::uint32_t>(block + 4);
  const auto second = load_le<std::uint32_t>(block + 8);
  const auto third = load_le<std::uint32_t>(block + 12);
  constexpr std::uint32_t kLow6 = 0x3f3f3f3f, kLow4 = 0x0f0f0f0f, kTop2 = 0x30303030;
  const u32x4 words = {first & kLow6, (third & kLow4) | (first >> 2 & kTop2), second & kLow6,
                       (third >> 4 & kLow4) | (second >> 2 & kTop2)};
  const Floats16 values = to_floats(reinterpret_cast<u8x16>(words));
  const f32x4 d = splat(half_at(block));
  const f32x4 dmin = splat(half_at(block + 2));
  ScalesAndMins out;
  store(out.scales, d * values.part[0]);
  store(out.scales + 4, d * values.part[1]);
  store(out.mins, dmin * values.part[2]);
  store(out.mins + 4, dmin * values.part[3]);
  return out;
}

void widen_q4_k(const std::uint8_t* block, float* out) {
  const ScalesAndMins all = scales_and_mins(block);
  const std::uint8_t* plane = block + 16;
  for (int group = 0; group < 8; group += 2, plane += 32, out += 64) {
    const f32x4 scale = splat(all.scales[group]), min = splat(all.mins[group]);
    const f32x4 next_scale = splat(all.scales[group + 1]), next_min = splat(all.mins[group + 1]);
    HEARTH_UNROLL
    for (int i = 0; i < 32; i += 16) {
      const auto bytes = load<u8x16>(plane + i);
      put(bytes & 0x0f, scale, min, out + i);
      put(bytes >> 4, next_scale, next_min, out + 32 + i);
    }
  }
}

void widen_q5_k(const std::uint8_t* block, float* out) {
  const ScalesAndMins all = scales_and_mins(block);
  u8x16 fifth[2] = {load<u8x16>(block + 16), load<u8x16>(block + 32)};
  const std::uint8_t* plane = block + 48;
  for (int group = 0; group < 8; group += 2, plane += 32, out += 64) {
    const f32x4 scale = splat(all.scales[group]), min = splat(all.mins[group]);
    const f32x4 next_scale = splat(all.scales[group + 1]), next_min = splat(all.mins[group + 1]);
    HEARTH_UNROLL
    for (int i = 0; i < 2; ++i) {
      const auto bytes = load<u8x16>(plane + 16 * i);
      put((bytes & 0x0f) | (fifth[i] & 1) << 4, scale, min, out + 16 * i);
      put(bytes >> 4 | (fifth[i] & 2) << 3, next_scale, next_min, out + 32 + 16 * i);
      fifth[i] >>= 2;
    }
  }
}

/// out[i] = scale · (q[i] − 32)
HEARTH_INLINE void put_q6(u8x16 q, float scale, float* out) {
  const Floats16 values = to_floats(q, 32);
  const f32x4 factor = splat(scale);
  HEARTH_UNROLL
  for (int i = 0; i < 4; ++i) store(out + 4 * i, factor * values.part[i]);
}

void widen_q6_k(const std::uint8_t* block, float* out) {
  // Signed bytes, made unsigned by turning the sign round.
  const Floats16 scales = to_floats(load<u8x16>(block + 192) ^ 0x80, 128);
  const f32x4 d = splat(half_at(block + 208));
  float products[16];
  HEARTH_UNROLL
  for (int i = 0; i < 4; ++i) store(products + 4 * i, d * scales.part[i]);
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* quants = block + half * 64;
    const std::uint8_t* upper = block + 128 + half * 32;
    const float* scale = products + half * 8;
    HEARTH_UNROLL
    for (int i = 0; i < 2; ++i) {
      const auto first = load<u8x16>(quants + 16 * i);
      const auto second = load<u8x16>(quants + 32 + 16 * i);
      const auto top = load<u8x16>(upper + 16 * i);
      float* to = out + half * 128 + 16 * i;
      put_q6((first & 0x0f) | (top & 0x03) << 4, scale[i], to);
      put_q6((second & 0x0f) | (top & 0x0c) << 2, scale[2 + i], to + 32);
      put_q6(first >> 4 | (top & 0x30), scale[4 + i], to + 64);
      put_q6(second >> 4 | (top & 0xc0) >> 2, scale[6 + i], to + 96);
    }
  }
}

/// out[i] = scale · (q[i] − zero)
HEARTH_INLINE void put_zeroed(u8x16 q, float zero, float scale, float* out) {
  const Floats16 values = to_floats(q, zero);
  const f32x4 factor = splat(scale);
  HEARTH_UNROLL
  for (int i = 0; i < 4; ++i) store(out + 4 * i, factor * values.part[i]);
}

void widen_z4(const std::uint8_t* block, float* out) {
  const float scale = half_at(block);
  const float zero = load_le<std::int16_t>(block + 2);
  const auto bytes = load<u8x16>(block + 4);
  put_zeroed(bytes & 0x0f, zero, scale, out);
  put_zeroed(bytes >> 4, zero, scale, out + 16);
}

void widen_z8(const std::uint8_t* block, float* out) {
  const float scale = half_at(block);
  // Signed bytes, made unsigned by turning the sign round.
  const auto zero = static_cast<float>(load_le<std::int16_t>(block + 2) + 128);
  put_zeroed(load<u8x16>(block + 4) ^ 0x80, zero, scale, out);
  put_zeroed(load<u8x16>(block + 20) ^ 0x80, zero, scale, out + 16);
}

template <typename One>
void each_block(DType dtype, const std::uint8_t* from, std::int64_t n, float* out, One one) {
  const DTypeInfo& info = dtype_info(dtype);
  for (std::int64_t i = 0; i < n; i += info.block_elements, from += info.block_bytes) {
    one(from, out + i);
  }
}

}  // namespace

void widen(DType dtype, const std::uint8_t* from, std::int64_t n, float* out) {
  switch (dtype) {
    case DType::kF16:
    case DType::kBF16:
      return widen_words(dtype, from, n, out);
    case DType::kQ4_K:
      return each_block(dtype, from, n, out, widen_q4_k);
    case DType::kQ5_K:
      return each_block(dtype, from, n, out, widen_q5_k);
    case DType::kQ6_K:
      return each_block(dtype, from, n, out, widen_q6_k);
    case DType::kZ4:
      return each_block(dtype, from, n, out, widen_z4);
    case DType::kZ8:
      return each_block(dtype, from, n, out, widen_z8);
    default: {
      const auto elements = static_cast<std::size_t>(n);
      const auto bytes = static_cast<std::size_t>(dtype_bytes(dtype, elements));
      dequantize(dtype, Bytes(from, bytes), std::span<float>(out, elements));
    }
  }
}

}  // namespace hearth::cpu
