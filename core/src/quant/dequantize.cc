// Block layouts are ggml's (ggml-common.h, "block_q4_0" and so on); the order of float operations
// is that of `gguf.quants.dequantize` in the Python package `gguf` (0.19), which the tests compare
// with.
//
// In the drawings below one cell is a field with its bytes; `d` and `m` are halves. A nibble plane
// of n bytes holds 2n quants: the low nibbles are the first n elements, the high nibbles the next
// n.
#include "quant/dequantize.h"

#include <array>
#include <bit>

#include "base/check.h"

namespace hearth {
namespace {

constexpr int kBlock = 32;        // elements of the plain block formats
constexpr int kSuperBlock = 256;  // elements of a K-quant

float half_at(const std::uint8_t* from) { return f16_to_f32(load_le<std::uint16_t>(from)); }

int low(std::uint8_t byte) { return byte & 0x0F; }
int high(std::uint8_t byte) { return byte >> 4; }

// Q4_0 │ d 2 │ nibbles 16 │            value = d · (q − 8)
void block_q4_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const std::uint8_t* quants = block + 2;
  for (int i = 0; i < kBlock / 2; ++i) {
    out[i] = d * static_cast<float>(low(quants[i]) - 8);
    out[i + kBlock / 2] = d * static_cast<float>(high(quants[i]) - 8);
  }
}

// Q4_1 │ d 2 │ m 2 │ nibbles 16 │      value = d · q + m
void block_q4_1(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const float m = half_at(block + 2);
  const std::uint8_t* quants = block + 4;
  for (int i = 0; i < kBlock / 2; ++i) {
    out[i] = d * static_cast<float>(low(quants[i])) + m;
    out[i + kBlock / 2] = d * static_cast<float>(high(quants[i])) + m;
  }
}

// The fifth bit of element i of a Q5_0 or Q5_1 block: bit i of a 32-bit word.
int fifth_bit(std::uint32_t bits, int element) {
  return static_cast<int>((bits >> element) & 1U) << 4;
}

// Q5_0 │ d 2 │ fifth bits 4 │ nibbles 16 │         value = d · (q − 16)
void block_q5_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const auto bits = load_le<std::uint32_t>(block + 2);
  const std::uint8_t* quants = block + 6;
  for (int i = 0; i < kBlock / 2; ++i) {
    const int j = i + kBlock / 2;
    out[i] = d * static_cast<float>((low(quants[i]) | fifth_bit(bits, i)) - 16);
    out[j] = d * static_cast<float>((high(quants[i]) | fifth_bit(bits, j)) - 16);
  }
}

// Q5_1 │ d 2 │ m 2 │ fifth bits 4 │ nibbles 16 │   value = d · q + m
void block_q5_1(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const float m = half_at(block + 2);
  const auto bits = load_le<std::uint32_t>(block + 4);
  const std::uint8_t* quants = block + 8;
  for (int i = 0; i < kBlock / 2; ++i) {
    const int j = i + kBlock / 2;
    out[i] = d * static_cast<float>(low(quants[i]) | fifth_bit(bits, i)) + m;
    out[j] = d * static_cast<float>(high(quants[i]) | fifth_bit(bits, j)) + m;
  }
}

// Q8_0 │ d 2 │ signed bytes 32 │       value = d · q
void block_q8_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  for (int i = 0; i < kBlock; ++i) {
    out[i] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
  }
}

struct ScaleAndMin {
  float scale;
  float min;
};

// Q4_K and Q5_K have eight pairs of a 6-bit scale (s) and minimum (m), one for each 32 elements:
//   bytes 0 … 3   bits 5…0 of s0 … s3; above them bits 5…4 of s4 … s7
//   bytes 4 … 7   bits 5…0 of m0 … m3; above them bits 5…4 of m4 … m7
//   bytes 8 … 11  bits 3…0 of s4 … s7; above them bits 3…0 of m4 … m7
ScaleAndMin scale_and_min(const std::uint8_t* packed, int group) {
  if (group < 4) {
    return {static_cast<float>(packed[group] & 0x3F), static_cast<float>(packed[group + 4] & 0x3F)};
  }
  const int scale = low(packed[group + 4]) | (packed[group - 4] >> 6) << 4;
  const int min = high(packed[group + 4]) | (packed[group] >> 6) << 4;
  return {static_cast<float>(scale), static_cast<float>(min)};
}

// Q4_K │ d 2 │ dmin 2 │ scales and minima 12 │ four nibble planes of 32 │
//      value = (d · s) · q − dmin · m
void block_q4_k(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  const std::uint8_t* packed = block + 4;
  const std::uint8_t* quants = block + 16;
  for (int group = 0; group < kSuperBlock / 32; ++group) {
    const auto [scale, min] = scale_and_min(packed, group);
    const float ds = d * scale;
    const float dm = dmin * min;
    const std::uint8_t* plane = quants + group / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const int q = group % 2 == 0 ? low(plane[i]) : high(plane[i]);
      out[group * 32 + i] = ds * static_cast<float>(q) - dm;
    }
  }
}

// Q5_K │ d 2 │ dmin 2 │ scales and minima 12 │ fifth bits 32 │ four nibble planes of 32 │
//      value = (d · s) · q − dmin · m; bit g of byte i of the fifth bits is for element i of group
//      g
void block_q5_k(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  const std::uint8_t* packed = block + 4;
  const std::uint8_t* fifth = block + 16;
  const std::uint8_t* quants = block + 48;
  for (int group = 0; group < kSuperBlock / 32; ++group) {
    const auto [scale, min] = scale_and_min(packed, group);
    const float ds = d * scale;
    const float dm = dmin * min;
    const std::uint8_t* plane = quants + group / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const int nibble = group % 2 == 0 ? low(plane[i]) : high(plane[i]);
      const int q = nibble | ((fifth[i] >> group) & 1) << 4;
      out[group * 32 + i] = ds * static_cast<float>(q) - dm;
    }
  }
}

// Q6_K │ two nibble planes of 64 │ upper bits 64 │ signed scales 16 │ d 2 │
//      value = (d · s) · (q − 32), one scale for each 16 elements. Byte i of the upper bits' half h
//      holds bits 5…4 of elements i, i + 32, i + 64 and i + 96 of that half.
void block_q6_k(const std::uint8_t* block, float* out) {
  const std::uint8_t* quants = block;
  const std::uint8_t* upper = block + 128;
  const std::uint8_t* scales = block + 192;
  const float d = half_at(block + 208);
  for (int group = 0; group < kSuperBlock / 16; ++group) {
    const float ds = d * static_cast<float>(static_cast<std::int8_t>(scales[group]));
    for (int i = 0; i < 16; ++i) {
      const int element = group * 16 + i;
      const int half = element / 128;
      const int within = element % 128;
      const std::uint8_t packed = quants[half * 64 + within % 64];
      const int nibble = within < 64 ? low(packed) : high(packed);
      const int top = (upper[half * 32 + within % 32] >> (within / 32 * 2)) & 3;
      out[element] = ds * static_cast<float>((nibble | top << 4) - 32);
    }
  }
}

// Bits 2p + 1 … 2p of the byte.
int pair_of_bits(std::uint8_t byte, int p) { return (byte >> (2 * p)) & 3; }

// Q2_K │ scales and minima 16 │ quants 64 │ d 2 │ dmin 2 │
//      value = (d · s) · q − dmin · m, a byte of scale (low nibble) and minimum (high) for each 16
//      elements. Byte i of half h of the quants holds elements i, i + 32, i + 64 and i + 96 of that
//      half, the first in the lowest bits.
void block_q2_k(const std::uint8_t* block, float* out) {
  const std::uint8_t* packed = block;
  const std::uint8_t* quants = block + 16;
  const float d = half_at(block + 80);
  const float dmin = half_at(block + 82);
  for (int group = 0; group < kSuperBlock / 16; ++group) {
    const float ds = d * static_cast<float>(low(packed[group]));
    const float dm = dmin * static_cast<float>(high(packed[group]));
    for (int i = 0; i < 16; ++i) {
      const int element = group * 16 + i;
      const std::uint8_t four = quants[element / 128 * 32 + element % 32];
      const int q = pair_of_bits(four, element % 128 / 32);
      out[element] = ds * static_cast<float>(q) - dm;
    }
  }
}

// Q3_K │ upper bits 32 │ quants 64 │ scales 12 │ d 2 │
//      value = (d · (s − 32)) · (q − 4), one scale for each 16 elements. The lower two bits of q
//      lie as in Q2_K; bit g of byte i of the upper bits is the third of element i of the 32 at 32
//      · g. Scale g is of 6 bits:
//        bytes 0 … 7   bits 3…0 of s0 … s7; above them bits 3…0 of s8 … s15
//        bytes 8 … 11  bits 5…4 of scales g with g mod 4 the byte's place, the first lowest
void block_q3_k(const std::uint8_t* block, float* out) {
  const std::uint8_t* upper = block;
  const std::uint8_t* quants = block + 32;
  const std::uint8_t* packed = block + 96;
  const float d = half_at(block + 108);
  for (int group = 0; group < kSuperBlock / 16; ++group) {
    const std::uint8_t byte = packed[group % 8];
    const int scale =
        (group < 8 ? low(byte) : high(byte)) | pair_of_bits(packed[8 + group % 4], group / 4) << 4;
    const float ds = d * static_cast<float>(scale - 32);
    for (int i = 0; i < 16; ++i) {
      const int element = group * 16 + i;
      const std::uint8_t four = quants[element / 128 * 32 + element % 32];
      const int third = (upper[element % 32] >> (element / 32)) & 1;
      const int q = pair_of_bits(four, element % 128 / 32) | third << 2;
      out[element] = ds * static_cast<float>(q - 4);
    }
  }
}

// What the sixteen codes of IQ4_NL and IQ4_XS stand for: finer near zero, as weights are.
constexpr std::array<float, 16> kUnevenValues = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                 1,    13,   25,  38,  53,  69,  89,  113};

// MXFP4's sixteen codes, e2m1 floats (sign, two bits of exponent, one of fraction; OCP
// Microscaling Formats 1.0), doubled. The ninth is minus zero, which `gguf` reads as plus zero.
constexpr std::array<float, 16> kE2m1Doubled = {0, 1,  2,  3,  4,  6,  8,  12,
                                                0, -1, -2, -3, -4, -6, -8, -12};

// A nibble plane of 16 bytes, whose codes a table gives meaning: value = scale · table[q].
void table_plane(const std::array<float, 16>& table, const std::uint8_t* plane, float scale,
                 float* out) {
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * table[static_cast<std::size_t>(low(plane[i]))];
    out[i + 16] = scale * table[static_cast<std::size_t>(high(plane[i]))];
  }
}

// IQ4_NL │ d 2 │ nibbles 16 │          value = d · table[q]
void block_iq4_nl(const std::uint8_t* block, float* out) {
  table_plane(kUnevenValues, block + 2, half_at(block), out);
}

// IQ4_XS │ d 2 │ upper bits of scales 2 │ lower bits of scales 4 │ eight nibble planes of 16 │
//      value = (d · (s − 32)) · table[q], one scale of 6 bits for each 32 elements: bits 3…0 are
//      nibble g of the lower bits, bits 5…4 are pair g of a 16-bit word.
void block_iq4_xs(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const auto upper = load_le<std::uint16_t>(block + 2);
  const std::uint8_t* lower = block + 4;
  for (int group = 0; group < kSuperBlock / 32; ++group) {
    const std::uint8_t two = lower[group / 2];
    const int scale = (group % 2 == 0 ? low(two) : high(two)) | ((upper >> (2 * group)) & 3) << 4;
    table_plane(kUnevenValues, block + 8 + group * 16, d * static_cast<float>(scale - 32),
                out + group * 32);
  }
}

// MXFP4 │ exponent 1 │ nibbles 16 │    value = 2^(exponent − 128) · table[q]
void block_mxfp4(const std::uint8_t* block, float* out) {
  // The exponent's own bias is 127; one more halves what the table doubles. A float's exponent
  // field is 1 at 2^-126, so the first two are subnormal.
  const std::uint32_t exponent = block[0];
  const std::uint32_t bits = exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23;
  table_plane(kE2m1Doubled, block + 1, std::bit_cast<float>(bits), out);
}

// Z4 │ d 2 │ z 2 │ nibbles 16 │        value = d · (q − z)
// Z8 │ d 2 │ z 2 │ signed bytes 32 │   the same
//      z is a signed 16-bit number. A half has 11 significant bits and q − z at most 9, so the
//      product is exact.
void block_z4(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const int z = load_le<std::int16_t>(block + 2);
  const std::uint8_t* quants = block + 4;
  for (int i = 0; i < kBlock / 2; ++i) {
    out[i] = d * static_cast<float>(low(quants[i]) - z);
    out[i + kBlock / 2] = d * static_cast<float>(high(quants[i]) - z);
  }
}

void block_z8(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const int z = load_le<std::int16_t>(block + 2);
  for (int i = 0; i < kBlock; ++i) {
    out[i] = d * static_cast<float>(static_cast<std::int8_t>(block[4 + i]) - z);
  }
}

// Calls `one` for each block of the row.
template <typename One>
void each_block(DType dtype, Bytes from, std::span<float> out, One one) {
  const DTypeInfo& info = dtype_info(dtype);
  const auto elements = static_cast<std::size_t>(info.block_elements);
  const auto bytes = static_cast<std::size_t>(info.block_bytes);
  const std::uint8_t* block = from.data();
  for (std::size_t i = 0; i < out.size(); i += elements, block += bytes) one(block, out.data() + i);
}

}  // namespace

float f16_to_f32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1F;
  const std::uint32_t fraction = half & 0x3FF;
  if (exponent == 0x1F) {  // infinity, or NaN with its payload kept
    return std::bit_cast<float>(sign | 0x7F800000 | fraction << 13);
  }
  if (exponent == 0) {  // zero or subnormal: fraction · 2^-24, which a float holds exactly
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  // 112 = 127 − 15: the difference of the exponents' biases.
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

float bf16_to_f32(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  std::uint32_t half = 0;
  if (magnitude >
      0x7F800000) {  // NaN: the payload's top, made quiet so that it cannot become infinity
    half = 0x7E00 | (magnitude >> 13 & 0x3FF);
  } else if (magnitude >=
             0x477FF000) {  // 65520, half way from the largest half to 65536, and above
    half = 0x7C00;
  } else if (magnitude >= 0x38800000) {  // 2^-14, the smallest normal half, and above
    // Adding just under half of the last place, and one more if that place is odd, rounds ties to
    // even; a carry moves on into the exponent as it should.
    const std::uint32_t odd = magnitude >> 13 & 1;
    half = (magnitude - (112U << 23) + 0xFFF + odd) >> 13;
  } else {
    // In [0.5, 1) a float's last place is 2^-24, which is a subnormal half's: adding 0.5 lets the
    // processor do the rounding, and leaves the half's bits at the bottom.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5F;
    half = std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(0.5F);
  }
  return static_cast<std::uint16_t>(sign | half);
}

bool can_dequantize(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64:
      return true;
    default:
      return dtype_info(dtype).quantized;
  }
}

void dequantize(DType dtype, Bytes from, std::span<float> out) {
  HEARTH_CHECK(out.size() % static_cast<std::size_t>(dtype_info(dtype).block_elements) == 0);
  HEARTH_CHECK(from.size() == dtype_bytes(dtype, out.size()));
  if (out.empty()) return;
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out.data(), from.data(), from.size());
      return;
    case DType::kF16:
      return each_block(dtype, from, out,
                        [](const std::uint8_t* block, float* to) { *to = half_at(block); });
    case DType::kBF16:
      return each_block(dtype, from, out, [](const std::uint8_t* block, float* to) {
        *to = bf16_to_f32(load_le<std::uint16_t>(block));
      });
    case DType::kF64:
      return each_block(dtype, from, out, [](const std::uint8_t* block, float* to) {
        *to = static_cast<float>(load_le<double>(block));
      });
    case DType::kQ4_0:
      return each_block(dtype, from, out, block_q4_0);
    case DType::kQ4_1:
      return each_block(dtype, from, out, block_q4_1);
    case DType::kQ5_0:
      return each_block(dtype, from, out, block_q5_0);
    case DType::kQ5_1:
      return each_block(dtype, from, out, block_q5_1);
    case DType::kQ8_0:
      return each_block(dtype, from, out, block_q8_0);
    case DType::kQ4_K:
      return each_block(dtype, from, out, block_q4_k);
    case DType::kQ5_K:
      return each_block(dtype, from, out, block_q5_k);
    case DType::kQ6_K:
      return each_block(dtype, from, out, block_q6_k);
    case DType::kQ2_K:
      return each_block(dtype, from, out, block_q2_k);
    case DType::kQ3_K:
      return each_block(dtype, from, out, block_q3_k);
    case DType::kIQ4_NL:
      return each_block(dtype, from, out, block_iq4_nl);
    case DType::kIQ4_XS:
      return each_block(dtype, from, out, block_iq4_xs);
    case DType::kMXFP4:
      return each_block(dtype, from, out, block_mxfp4);
    case DType::kZ4:
      return each_block(dtype, from, out, block_z4);
    case DType::kZ8:
      return each_block(dtype, from, out, block_z8);
    case DType::kI8:
    case DType::kI16:
    case DType::kI32:
    case DType::kI64:
    case DType::kU8:
    case DType::kBool:
      break;
  }
  HEARTH_CHECK(can_dequantize(dtype));
}

}  // namespace hearth
