// The integer kernels of linear(): four rows of packed weights by up to four tokens.
#pragma once

#include "cpu/activations.h"
#include "cpu/kernels.h"

namespace hearth::cpu {

/// output rows of groups [first, last) of `weight` (kRows4) for all tokens of args; the activations
/// are in args.scratch, tile after tile as round_activations() wrote them.
void linear_packed(const LinearArgs& args, std::int64_t first, std::int64_t last);

/// How activations must be rounded for weights of that type.
struct Rounding {
  Correction correction;
  int offset;
};
Rounding rounding_for(DType dtype);

}  // namespace hearth::cpu
