// How much of an elementwise kernel one piece of work holds.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth::cpu {

/// Rows of `width` floats in a piece: about 16 K floats, several microseconds, so that handing it
/// out (below one) costs little.
inline std::int64_t rows_per_piece(std::int64_t width) {
  return std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, width));
}

}  // namespace hearth::cpu
