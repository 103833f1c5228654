// The programs that choose the next token on the device, after any of the others.
#pragma once

#include <vector>

#include "gpu/lower.h"

namespace hearth::gpu {

/// Biases of single logits that the device's settings have room for; a generation with more is
/// sampled by the core.
inline constexpr std::size_t kMostBiases = 1024;

/// Bits of the index into Handles::sample.
inline constexpr std::size_t kCutTopK = 1, kCutTopP = 2;

/// Makes the samplers' buffers and appends their programs.
Result<void> emit_sampling(Lowering& low, std::int64_t context, Handles& handles,
                           std::vector<Program>& programs);

}  // namespace hearth::gpu
