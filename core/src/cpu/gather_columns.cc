// gather_columns(): a load for each element. It is its own reference: there are no vectors of loads
// from anywhere in WebAssembly, and the matrix that follows takes a thousand times as long.
#include "cpu/kernels.h"

namespace hearth::cpu {

void gather_columns(const float* input, std::int64_t stride, const std::uint32_t* order,
                    float* output, std::int64_t tokens, std::int64_t width, ThreadPool& pool) {
  // A row is some microseconds' work, as much as waking a thread.
  pool.run(tokens, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const float* from = input + t * stride;
      float* to = output + t * width;
      for (std::int64_t i = 0; i < width; ++i) to[i] = from[order[i]];
    }
  });
}

}  // namespace hearth::cpu
