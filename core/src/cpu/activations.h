// Activations rounded to 8 bits, block by block, in the order the integer kernels read them.
#pragma once

#include "cpu/packing.h"
#include "cpu/simd.h"

namespace hearth::cpu {

/// Tokens that a kernel takes in one pass over the weights. Four keep their integer and float sums
/// in 8 of the 16 vector registers of x86.
inline constexpr std::int64_t kTileTokens = 4;

/// What a block of activations carries beside its quants, for q = round(x / scale):
enum class Correction : std::uint8_t {
  kNone,     ///< nothing
  kMinimum,  ///< the float scale · Σq: weights are d·w + m
  kOffset,   ///< the int32 −offset · Σq: weights are d·(w − offset), or
             ///< with offset 1 d·(w − z), z a row's own
};

/// Bytes of one block of one token: quants, scale, correction.
inline constexpr std::int64_t kActivationBlockBytes =
    kBlock * static_cast<std::int64_t>(sizeof(Activation)) + 4 + 4;

/// Rounds tokens [first, first + count) of `input` (tokens, columns), count <= kTileTokens, to
/// `tile`:
///   (block, [token, 32 quants], [token, scale], [token, correction])
/// scale = max|x| / 127 over the block, rounding to nearest, so |x − scale·q| <= scale / 2.
void round_activations(const float* input, std::int64_t columns, std::int64_t first,
                       std::int64_t count, Correction correction, int offset, std::uint8_t* tile);

}  // namespace hearth::cpu
