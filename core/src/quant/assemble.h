// Matrices of GPTQ and AWQ checkpoints, put together from their tensors (tensor/packed_format.h
// draws them) as rows of blocks like those of every other type. Nothing is lost: the codes and
// zeros are kept, and so are scales that are halves. Scales of another type become the nearest
// half: bfloat16 is kept from 2^-14 on, and a float is off by 2^-12 of itself at most.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "tensor/packed_format.h"

namespace hearth {

struct PackedMatrix {
  PackedFormat format;
  std::int64_t rows = 0;
  std::int64_t columns = 0;  ///< whole blocks of 32, as are groups, but for one of the whole row
  Bytes qweight, qzeros, scales;  ///< of the sizes that packed_format.h gives
  DType scale_type = DType::kF16;
  /// Which column comes at each place, groups one after the other; empty when they come in order.
  std::span<const std::uint32_t> order;
};

/// Writes (rows, columns) blocks of `format.dtype()` to `to`, row after row.
void assemble(const PackedMatrix& from, std::uint8_t* to);

/// The order that brings columns of one group together, those of a group staying as they are: place
/// i gets column order[i]. `groups` are a g_idx, `order.size()` numbers of 32 bits. With `sorted`
/// they must be in order already, and so is the result. Errors: malformed_tensor, naming `name`,
/// for a group that does not exist, has too many columns, or lies out of order when it must not.
Result<void> column_order(Bytes groups, std::int64_t group_size, bool sorted, std::string_view name,
                          std::span<std::uint32_t> order);

}  // namespace hearth
