// linear(): chooses between integer kernels on packed weights and float kernels on plain ones, and
// splits the rows over threads.
#include <algorithm>

#include "base/check.h"
#include "cpu/linear_packed.h"
#include "cpu/linear_plain.h"

namespace hearth::cpu {
namespace {

// Work worth handing to another thread: waking one costs a few microseconds, in which a core does
// about this many multiplications on weights that it must first read.
constexpr std::int64_t kPieceProducts = 64 * 1024;

std::int64_t units_per_piece(const LinearArgs& args, std::int64_t unit_rows) {
  const std::int64_t products = unit_rows * args.weight.columns * args.tokens;
  const std::int64_t units = std::max<std::int64_t>(1, kPieceProducts / products);
  // At least two groups, as decode takes them in pairs; at most what stays in a 32 KiB L1 cache
  // while tiles of tokens pass over it.
  constexpr std::int64_t kCachedWeights = 24 * 1024;
  const std::int64_t unit_bytes = static_cast<std::int64_t>(
      dtype_bytes(args.weight.dtype, static_cast<std::uint64_t>(unit_rows * args.weight.columns)));
  const std::int64_t cached = kCachedWeights / std::max<std::int64_t>(1, unit_bytes);
  if (args.tokens == 1) return std::max<std::int64_t>(2, (units + 1) / 2 * 2);
  return std::max<std::int64_t>({2, units, cached});
}

}  // namespace

std::size_t linear_scratch_bytes(std::int64_t tokens, std::int64_t columns) {
  const std::int64_t blocks = (columns + kBlock - 1) / kBlock;
  return static_cast<std::size_t>(tokens * blocks * kActivationBlockBytes);
}

void linear(const LinearArgs& args, ThreadPool& pool) {
  if (args.tokens == 0 || args.weight.rows == 0) return;
  if (args.weight.layout == Layout::kPlain) {
    pool.run(args.weight.rows, units_per_piece(args, 1) * kPlainRows,
             [&](std::int64_t begin, std::int64_t end) { linear_plain(args, begin, end); });
    return;
  }
  HEARTH_CHECK(!args.exact && args.scratch != nullptr);
  const Rounding rounding = rounding_for(args.weight.dtype);
  const std::int64_t token_bytes = args.weight.columns / kBlock * kActivationBlockBytes;
  // A piece of at least 8 K activations, a few microseconds of rounding.
  const std::int64_t tokens_per_piece =
      (std::max<std::int64_t>(1, 8192 / args.weight.columns) + kTileTokens - 1) / kTileTokens *
      kTileTokens;
  pool.run(args.tokens, tokens_per_piece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t token = begin; token < end; token += kTileTokens) {
      round_activations(args.input, args.weight.columns, token, std::min(kTileTokens, end - token),
                        rounding.correction, rounding.offset, args.scratch + token * token_bytes);
    }
  });
  pool.run(args.weight.rows / kGroupRows, units_per_piece(args, kGroupRows),
           [&](std::int64_t begin, std::int64_t end) { linear_packed(args, begin, end); });
}

}  // namespace hearth::cpu
