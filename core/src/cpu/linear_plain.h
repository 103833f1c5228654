// The float kernels of linear(), for weights as they lie in the file.
#pragma once

#include "cpu/kernels.h"

namespace hearth::cpu {

inline constexpr std::int64_t kPlainRows = 4;  ///< rows that share a read of the activations

/// output rows [first, last) of args.weight (kPlain) for all tokens.
void linear_plain(const LinearArgs& args, std::int64_t first, std::int64_t last);

}  // namespace hearth::cpu
