// The integer kernels of linear(). A tile is a number of groups of four rows by a number of tokens;
// its sums stay in registers while the weights stream by once. Decode (1 token) takes two groups,
// which halves the loads of activations; prefill takes four tokens, which divides the unpacking by
// four.
#include "cpu/linear_packed.h"

#include <type_traits>

#include "base/check.h"

namespace hearth::cpu {
namespace {

// Every format unpacks vector j of a block to `Parts` weight vectors, each with the columns of its
// four activations. `finish` turns integer sums into those of Σ activation · weight. Those with
// zero points (kHasZero) have one for each row where others have minimums, as whole numbers.
template <DType kType>
struct Format;

template <bool kMinimum, int kOffset>
struct Bits4 {
  static constexpr bool kFitsPairs = true;
  static constexpr bool kHasMinimum = kMinimum;
  static constexpr bool kHasZero = false;
  static constexpr int kOffsetOfWeights = kOffset;
  static constexpr int kVectors = 4;
  static constexpr int kSums = 1;
  static constexpr std::int64_t kQuantsAt = kMinimum ? 16 : 8;
  static constexpr std::int64_t kGroupBlockBytes = kQuantsAt + 64;
  struct State {};
  static HEARTH_INLINE State start(const std::uint8_t*) { return {}; }

  // multiply(column / 4, which sum, weights)
  template <typename Multiply>
  static HEARTH_INLINE void unpack(const State&, int j, u8x16 v, const Multiply& multiply) {
    multiply(j, 0, weights_u7(v & 0x0f));
    multiply(4 + j, 0, weights_u7(high_nibbles(v)));
  }
  static HEARTH_INLINE i32x4 finish(const i32x4* sums) { return sums[0]; }

  // 32-bit lanes, as x86 has no shift of bytes.
  static HEARTH_INLINE u8x16 high_nibbles(u8x16 v) {
    return reinterpret_cast<u8x16>((reinterpret_cast<u32x4>(v) >> 4) & 0x0f0f0f0fU);
  }
};

template <bool kMinimum, int kOffset>
struct Bits5 : Bits4<kMinimum, kOffset> {
  using Base = Bits4<kMinimum, kOffset>;
  static constexpr bool kFitsPairs = false;
  static constexpr std::int64_t kFifthsAt = kMinimum ? 16 : 8;
  static constexpr std::int64_t kQuantsAt = kFifthsAt + 16;
  static constexpr std::int64_t kGroupBlockBytes = kQuantsAt + 64;
  struct State {
    u32x4 fifths;
  };
  static HEARTH_INLINE State start(const std::uint8_t* block) {
    return {load<u32x4>(block + kFifthsAt)};
  }
  template <typename Multiply>
  static HEARTH_INLINE void unpack(const State& state, int j, u8x16 v, const Multiply& multiply) {
    multiply(j, 0, weights_u7((v & 0x0f) | fifth_bits(state, j)));
    multiply(4 + j, 0, weights_u7(Base::high_nibbles(v) | fifth_bits(state, 4 + j)));
  }
  // Bit `vector` of each byte, moved to bit 4.
  static HEARTH_INLINE u8x16 fifth_bits(const State& state, int vector) {
    const u32x4 moved = vector < 4 ? state.fifths << (4 - vector) : state.fifths >> (vector - 4);
    return reinterpret_cast<u8x16>(moved & 0x10101010U);
  }
};

// A signed byte is its low seven bits less 128 if its top bit is set. The instruction takes weights
// of seven bits only, so the top bits are multiplied apart, as 64, and taken off twice: exact for
// every byte, −128 included, where the usual sum of x·sign(w) and |w| is not defined.
template <bool kZero>
struct Bits8 {
  static constexpr bool kFitsPairs = false;
  static constexpr bool kHasMinimum = false;
  static constexpr bool kHasZero = kZero;
  static constexpr int kOffsetOfWeights = 0;
  static constexpr int kVectors = 8;
  static constexpr int kSums = 2;
  static constexpr std::int64_t kQuantsAt = kZero ? 16 : 8;
  static constexpr std::int64_t kGroupBlockBytes = kQuantsAt + 128;
  struct State {};
  static HEARTH_INLINE State start(const std::uint8_t*) { return {}; }
  template <typename Multiply>
  static HEARTH_INLINE void unpack(const State&, int j, u8x16 v, const Multiply& multiply) {
    multiply(j, 0, weights_u7(v & 0x7f));
    const u32x4 top = (reinterpret_cast<u32x4>(v) >> 1) & 0x40404040U;
    multiply(j, 1, weights_u7(reinterpret_cast<u8x16>(top)));
  }
  static HEARTH_INLINE i32x4 finish(const i32x4* sums) { return sums[0] - (sums[1] << 1); }
};

template <>
struct Format<DType::kQ4_0> : Bits4<false, 8> {};
template <>
struct Format<DType::kQ4_1> : Bits4<true, 0> {};
template <>
struct Format<DType::kQ5_0> : Bits5<false, 16> {};
template <>
struct Format<DType::kQ5_1> : Bits5<true, 0> {};
template <>
struct Format<DType::kQ8_0> : Bits8<false> {};
template <>
struct Format<DType::kZ4> : Bits4<true, 0> {
  static constexpr bool kHasMinimum = false;
  static constexpr bool kHasZero = true;
};
template <>
struct Format<DType::kZ8> : Bits8<true> {};

constexpr std::int64_t kQuantBytes = kBlock * static_cast<std::int64_t>(sizeof(Activation));

// Sums of kGroups · 4 rows by kTokens tokens over all blocks. `stride`: bytes from group to group.
template <DType kType, bool kPairs, int kGroups, int kTokens>
HEARTH_INLINE void tile_sums(const std::uint8_t* weights, std::int64_t stride,
                             const std::uint8_t* tile, std::int64_t blocks,
                             f32x4 (&out)[kGroups][kTokens]) {
  using F = Format<kType>;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const auto* quants = reinterpret_cast<const Activation*>(tile);
    const std::uint8_t* scales = tile + kTokens * kQuantBytes;
    const std::uint8_t* corrections = scales + kTokens * 4;
    using Sums = std::conditional_t<kPairs, PairSums, i32x4>;
    Sums acc[kGroups][kTokens][F::kSums] = {};
    typename F::State state[kGroups];
    HEARTH_UNROLL
    for (int g = 0; g < kGroups; ++g) state[g] = F::start(weights + g * stride);
    HEARTH_UNROLL
    for (int j = 0; j < F::kVectors; ++j) {
      HEARTH_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        const auto v = load<u8x16>(weights + g * stride + F::kQuantsAt + j * 16);
        F::unpack(state[g], j, v, [&](int word, int which, Weights w) {
          HEARTH_UNROLL
          for (int t = 0; t < kTokens; ++t) {
            const SplatActivations x = splat_activations(quants + t * kBlock + word * 4);
            if constexpr (kPairs) {
              acc[g][t][which] = dot_pairs(acc[g][t][which], x, w);
            } else {
              acc[g][t][which] = dot(acc[g][t][which], x, w);
            }
          }
        });
      }
    }
    HEARTH_UNROLL
    for (int g = 0; g < kGroups; ++g) {
      const f32x4 d = load_finite_halves(weights + g * stride);
      i32x4 zeros = {};
      if constexpr (F::kHasZero) {
        zeros = __builtin_convertvector(load<i16x4>(weights + g * stride + 8), i32x4);
      }
      HEARTH_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const f32x4 scale = d * load_splat(scales + t * 4);
        i32x4 sums;
        if constexpr (kPairs) {
          sums = whole_sums(acc[g][t][0]);
        } else {
          sums = F::finish(acc[g][t]);
        }
        if constexpr (F::kOffsetOfWeights != 0) {
          sums += reinterpret_cast<i32x4>(load_splat_word(corrections + t * 4));
        }
        if constexpr (F::kHasZero) {
          sums += zeros * reinterpret_cast<i32x4>(load_splat_word(corrections + t * 4));
        }
        out[g][t] = madd(to_float(sums), scale, out[g][t]);
      }
      if constexpr (F::kHasMinimum) {
        const f32x4 m = load_finite_halves(weights + g * stride + 8);
        HEARTH_UNROLL
        for (int t = 0; t < kTokens; ++t) {
          out[g][t] = madd(m, load_splat(corrections + t * 4), out[g][t]);
        }
      }
    }
    weights += F::kGroupBlockBytes;
    tile += kTokens * kActivationBlockBytes;
  }
}

template <DType kType, bool kPairs, int kGroups, int kTokens>
void run_tile(const LinearArgs& args, std::int64_t group, std::int64_t token,
              const std::uint8_t* tile) {
  const std::int64_t blocks = args.weight.columns / kBlock;
  const std::int64_t stride = blocks * Format<kType>::kGroupBlockBytes;
  f32x4 out[kGroups][kTokens] = {};
  tile_sums<kType, kPairs, kGroups, kTokens>(args.weight.data + group * stride, stride, tile,
                                             blocks, out);
  for (int g = 0; g < kGroups; ++g) {
    const std::int64_t row = (group + g) * kGroupRows;
    for (int t = 0; t < kTokens; ++t) {
      const std::int64_t at = (token + t) * args.weight.rows + row;
      f32x4 y = out[g][t];
      if (args.bias != nullptr) y += load<f32x4>(args.bias + row);
      if (args.residual != nullptr) y += load<f32x4>(args.residual + at);
      store(args.output + at, y);
    }
  }
}

template <DType kType, bool kPairs, int kTokens>
void run_groups(const LinearArgs& args, std::int64_t first, std::int64_t last, std::int64_t token,
                const std::uint8_t* tile) {
  std::int64_t group = first;
  if constexpr (kTokens == 1) {
    for (; group + 2 <= last; group += 2)
      run_tile<kType, kPairs, 2, kTokens>(args, group, token, tile);
  }
  for (; group < last; ++group) run_tile<kType, kPairs, 1, kTokens>(args, group, token, tile);
}

template <DType kType, bool kPairs>
void run_tiles(const LinearArgs& args, std::int64_t first, std::int64_t last) {
  const std::int64_t token_bytes = args.weight.columns / kBlock * kActivationBlockBytes;
  for (std::int64_t token = 0; token < args.tokens; token += kTileTokens) {
    const std::uint8_t* tile = args.scratch + token * token_bytes;
    switch (std::min(kTileTokens, args.tokens - token)) {
      case 1:
        run_groups<kType, kPairs, 1>(args, first, last, token, tile);
        break;
      case 2:
        run_groups<kType, kPairs, 2>(args, first, last, token, tile);
        break;
      case 3:
        run_groups<kType, kPairs, 3>(args, first, last, token, tile);
        break;
      default:
        run_groups<kType, kPairs, 4>(args, first, last, token, tile);
        break;
    }
  }
}

template <DType kType>
void run_all(const LinearArgs& args, std::int64_t first, std::int64_t last) {
  if constexpr (Format<kType>::kFitsPairs) {
    if (prefers_pairs()) return run_tiles<kType, true>(args, first, last);
  }
  run_tiles<kType, false>(args, first, last);
}

}  // namespace

void linear_packed(const LinearArgs& args, std::int64_t first, std::int64_t last) {
  switch (args.weight.dtype) {
    case DType::kQ4_0:
      return run_all<DType::kQ4_0>(args, first, last);
    case DType::kQ4_1:
      return run_all<DType::kQ4_1>(args, first, last);
    case DType::kQ5_0:
      return run_all<DType::kQ5_0>(args, first, last);
    case DType::kQ5_1:
      return run_all<DType::kQ5_1>(args, first, last);
    case DType::kQ8_0:
      return run_all<DType::kQ8_0>(args, first, last);
    case DType::kZ4:
      return run_all<DType::kZ4>(args, first, last);
    case DType::kZ8:
      return run_all<DType::kZ8>(args, first, last);
    default:
      HEARTH_CHECK(false);
  }
}

Rounding rounding_for(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return {Correction::kOffset, 8};
    case DType::kQ5_0:
      return {Correction::kOffset, 16};
    case DType::kZ4:
    case DType::kZ8:
      return {Correction::kOffset, 1};  // −Σq, which each row multiplies by its own zero
    case DType::kQ4_1:
    case DType::kQ5_1:
      return {Correction::kMinimum, 0};
    default:
      return {Correction::kNone, 0};
  }
}

}  // namespace hearth::cpu
